import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { credentialSorts, type CredentialFilter } from '../src/credentials/types.ts'
import { fillList, listSize as size } from './list-fill.ts'
import { databases, makePlace, openWorld, type Place, type World } from './world.ts'

for (const database of databases) {
  describe(`the list with ${size.toLocaleString('en')} credentials on ${database}`, () => {
    let place: Place
    let world: World
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      await fillList(world)
    })
    after(async () => {
      await world.close()
      await place.remove()
    })

    /**
     * The best of several, and of the embedded database the time that it worked, not that it waited for its turn: what else the
     * machine does is not what is measured.
     */
    const fastest = async (limit: number, work: () => Promise<unknown>): Promise<number> => {
      let best = Infinity
      for (let i = 0; i < 20 && (i < 3 || best >= limit); i++) {
        const [began, cpu] = [performance.now(), process.cpuUsage()]
        await work()
        const { user, system } = process.cpuUsage(cpu)
        const waited = performance.now() - began
        best = Math.min(best, database === 'sqlite' ? Math.min(waited, (user + system) / 1000) : waited)
      }
      return best
    }
    const within = async (limit: number, what: string, work: () => Promise<unknown>) => {
      const time = await fastest(limit, work)
      assert.ok(time < limit, `${what} took ${time.toFixed(1)} ms; ${limit} ms are allowed`)
    }

    it('gives the first page and the one in the middle within 50 ms, whatever it is sorted by', async () => {
      for (const sort of credentialSorts) {
        await within(50, `the first page by ${sort}`, () => world.credentials.list({ sort }))
        const first = await world.credentials.list({ sort, limit: 500 })
        await within(50, `the page after 500 by ${sort}`, () => world.credentials.list({ sort, cursor: first.next! }))
      }
    })

    it('searches within 100 ms, also for what nothing has, and counts within 100 ms', async () => {
      const searches: CredentialFilter[] = [
        { search: 'name 99999' },
        { search: 'nobody has this' },
        { search: 'user4711@' },
        { search: 'name' },
        { search: 'name 5', sort: '-last_used', status: ['needs_consent'] },
      ]
      for (const filter of searches) await within(100, `a search by ${JSON.stringify(filter)}`, () => world.credentials.list(filter))
      await within(100, 'counting all', () => world.credentials.counts())
      await within(100, 'counting what a search finds', () => world.credentials.counts({ search: 'user4711@' }))
    })

    it('filters within 100 ms', async () => {
      const filters: CredentialFilter[] = [
        { attention: true },
        { attention: false },
        { status: ['paused'] },
        { status: ['ready', 'expiring'] },
        { attention: true, sort: 'status' },
        { kind: 'basic' },
        { tag: 'rare' },
        { provider: 'google' },
        { registration: 'registration 3', sort: 'until' },
      ]
      for (const filter of filters) await within(100, `a page of ${JSON.stringify(filter)}`, () => world.credentials.list(filter))
    })
  })
}
