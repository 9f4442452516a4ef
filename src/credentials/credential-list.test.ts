import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Actor } from '../base/actor.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { findCredential, updateCredential } from '../storage/credentials.ts'
import { databases, makePlace, openWorld, tester, type Place, type World } from '../../test/world.ts'
import { knownEnd, workingFacts } from './credential-status.ts'
import { credentialSorts, credentialStatuses, type CredentialFilter, type CredentialView } from './types.ts'

const user = (n: number): Actor => ({ id: `key_${n}`, name: `job ${n}`, kind: 'access_key', address: null })

for (const database of databases) {
  describe(`the list of credentials on ${database}`, () => {
    let place: Place
    let world: World
    let clock: TestClock
    const ids: string[] = []
    before(async () => {
      place = await makePlace(database)
      clock = createTestClock()
      world = await openWorld(place, { clock })
      await world.registrations.create({ name: 'client', provider: 'google', clientId: 'c', clientSecret: new Secret('s') }, tester)
      for (const [n, status] of [...credentialStatuses, ...credentialStatuses, ...credentialStatuses].entries()) {
        const name = `${'zyxw'[n % 4]!} name ${n}`
        const { id } = await world.credentials.create(
          n % 3 === 0
            ? { name, kind: 'oauth2', grant: 'authorization_code', registration: 'client', refreshToken: new Secret('r') }
            : { name, kind: n % 3 === 1 ? 'api_key' : 'basic', username: `u${n}`, secret: new Secret('s') },
          tester,
        )
        // Several rows are equal in what they are sorted by: a page must end between them without losing any.
        await updateCredential(world.context.db, id, {
          status,
          refresh_token_expires_at: n % 2 === 0 ? null : clock.now() + (n % 4) * 1000,
          last_used_at: n % 4 === 0 ? null : clock.now() - (n % 3) * 1000,
        })
        ids.push(id)
      }
    })
    after(async () => {
      await world.close()
      await place.remove()
    })

    const pages = async (filter: CredentialFilter): Promise<CredentialView[]> => {
      const all: CredentialView[] = []
      let cursor: string | undefined
      for (let n = 0; n < 100; n++) {
        const page = await world.credentials.list({ ...filter, ...(cursor === undefined ? {} : { cursor }) })
        all.push(...page.items)
        if (page.next === null) return all
        assert.equal(page.items.length, filter.limit)
        cursor = page.next
      }
      throw new Error('the list does not end')
    }

    it('gives every row once and in order, whatever it is sorted by and however small the pages are', async () => {
      const rank = (status: string) => ['needs_consent', 'misconfigured', 'retrying', 'expiring', 'incomplete', 'ready', 'paused'].indexOf(status)
      const compare: Record<string, (a: CredentialView, b: CredentialView) => number> = {
        name: (a, b) => (a.name < b.name ? -1 : 1),
        created: (a, b) => (a.id < b.id ? -1 : 1),
        status: (a, b) => rank(a.status) - rank(b.status),
        until: (a, b) => (a.until ?? Infinity) - (b.until ?? Infinity) || 0,
        last_used: (a, b) => (a.lastUsedAt ?? 0) - (b.lastUsedAt ?? 0),
      }
      assert.ok(new Set((await pages({ limit: 50 })).map((view) => view.until)).size >= 3, 'some end, at different times')
      for (const sort of credentialSorts) {
        for (const limit of [1, 2, 3, 7]) {
          const seen = await pages({ sort, limit })
          assert.deepEqual(seen.map((view) => view.id).sort(), [...ids].sort(), `${sort} ${limit}`)
          const turned = sort.startsWith('-') ? -1 : 1
          for (let i = 1; i < seen.length; i++) {
            const order = compare[sort.replace('-', '')]!(seen[i - 1]!, seen[i]!)
            assert.ok(Number.isNaN(order) || order * turned <= 0, `${sort} ${limit} at ${i}`)
          }
        }
      }
    })

    it('filters by several statuses, and by what needs a person, along every order', async () => {
      for (const sort of credentialSorts) {
        const looked = await pages({ sort, limit: 2, attention: true })
        assert.equal(looked.length, 15, sort)
        assert.ok(looked.every((view) => view.status !== 'ready' && view.status !== 'paused'))
        assert.equal((await pages({ sort, limit: 2, attention: false })).length, 6, sort)
        assert.equal((await pages({ sort, limit: 2, status: ['ready', 'needs_consent', 'paused'] })).length, 9, sort)
        assert.equal((await pages({ sort, limit: 2, status: ['paused'] })).length, 3, sort)
        assert.equal((await pages({ sort, limit: 2, status: ['paused'], attention: true })).length, 0, sort)
      }
    })

    it('refuses the cursor of a list that was sorted in another way, and what is no cursor', async () => {
      const { next } = await world.credentials.list({ sort: 'until', limit: 2 })
      for (const [sort, cursor] of [
        ['name', next!],
        ['-until', next!],
        ['until', 'x'],
        ['until', Buffer.from('["until","1","2"]').toString('base64url')],
        ['name', Buffer.from('["name",1,""]').toString('base64url')],
      ] as const)
        await assert.rejects(world.credentials.list({ sort, cursor, limit: 2 }), { code: 'invalid_request' })
    })

    it('counts by status and kind what fits, zeros included', async () => {
      const all = await world.credentials.counts()
      assert.deepEqual([all.total, all.byKind, all.byStatus.ready], [21, { oauth2: 7, api_key: 7, basic: 7 }, 3])
      const basic = await world.credentials.counts({ kind: 'basic', search: 'z name' })
      assert.equal(basic.total, (await pages({ kind: 'basic', search: 'z name', limit: 50 })).length)
      assert.deepEqual((await world.credentials.counts({ visible: ids.slice(0, 3) })).total, 3)
      assert.deepEqual((await world.credentials.counts({ visible: [] })).total, 0)
    })

    it('finds any script in name, user and description, and takes % and _ for what they are', async () => {
      const made = await world.credentials.create(
        { name: 'ÄRGER', kind: 'api_key', description: 'Straße\n  der Öfen zu 100%', username: 'ЮЛИЯ@example.org' },
        tester,
      )
      for (const search of ['ärger', 'ÄRGER', '100%', 'straße der öfen', 'юлия@', 'ÖFEN']) {
        assert.deepEqual(
          (await world.credentials.list({ search })).items.map((view) => view.id),
          [made.id],
          search,
        )
      }
      for (const search of ['100_', 'ä%r', 'nobody']) assert.equal((await world.credentials.list({ search })).items.length, 0, search)
      await world.credentials.change(made.id, { name: 'Renamed', description: '', username: null }, tester)
      assert.equal((await world.credentials.list({ search: 'öfen' })).items.length, 0, 'what was changed is no longer found')
      assert.equal((await world.credentials.list({ search: 'renAMED' })).items.length, 1)
      await world.credentials.delete(made.id, { revoke: false }, tester)
    })

    it('keeps the known end of every row equal to what its page says, through every change', async () => {
      const { credentials, registrations, context } = world
      const agrees = async (ref: string) => {
        const row = (await findCredential(context.db, ref))!
        assert.equal(row.known_end, knownEnd(workingFacts(row, row.secret_expires_at)))
        return row.known_end
      }
      const registration = await registrations.create(
        { name: 'ends', provider: 'google', clientId: 'c', clientSecret: new Secret('s'), secretExpiresAt: clock.now() + 5000 },
        tester,
      )
      const made = await credentials.create(
        { name: 'ends', kind: 'oauth2', grant: 'authorization_code', registration: 'ends', scopes: ['a'], refreshToken: new Secret('r') },
        tester,
      )
      assert.equal(await agrees(made.id), clock.now() + 5000)
      const seen = new Set<number | null>()
      for (const has_refresh_token of [0, 1]) {
        for (const token_expires_at of [null, clock.now() + 1000]) {
          for (const refresh_token_expires_at of [null, clock.now() + 2000]) {
            for (const [refresh_token_slides, refresh_due_at, failures, paused] of [
              [0, clock.now(), 0, 0],
              [1, clock.now(), 0, 0],
              [1, null, 0, 0],
              [1, clock.now(), 1, 0],
              [1, clock.now(), 0, 1],
            ] as const) {
              const change = { has_refresh_token, token_expires_at, refresh_token_expires_at, refresh_token_slides, refresh_due_at, failures, paused }
              await updateCredential(context.db, made.id, change)
              seen.add(await agrees(made.id))
            }
          }
        }
      }
      assert.equal(seen.size, 3, 'each kind of end was the first one once')
      await updateCredential(context.db, made.id, { has_refresh_token: 1, token_expires_at: null, refresh_token_expires_at: null, paused: 0 })
      await registrations.change(registration.id, { secretExpiresAt: clock.now() + 100 }, tester)
      assert.equal(await agrees(made.id), clock.now() + 100)
      await registrations.change(registration.id, { clientSecret: new Secret('another') }, tester)
      await agrees(made.id)
      for (const id of ids) await agrees(id)
      await updateCredential(context.db, made.id, { secret: null })
      assert.equal(await agrees(made.id), null)
      await credentials.delete(made.id, { revoke: false }, tester)
    })

    it('says who used a credential: the latest three and how many, and counts each day', async () => {
      const id = ids[0]!
      const day = (n: number) => new Date(clock.now() + n * 86_400_000).toISOString().slice(0, 10)
      for (const n of [1, 2, 3, 4, 2]) {
        await clock.advance(1000)
        world.usage.add(id, user(n), 'ok')
      }
      world.usage.add(id, user(4), 'issue')
      await world.usage.flush()
      const first = await world.credentials.get(id)
      assert.equal(first.usedBy.count, 4)
      assert.deepEqual(first.usedBy.items.map((one) => one.id).sort(), ['key_2', 'key_3', 'key_4'])
      assert.deepEqual([first.lastUsedBy?.id, first.lastUseOutcome, first.lastSuccessAt], ['key_4', 'issue', clock.now()])
      assert.equal((await world.credentials.usage(id)).find((use) => use.accessKey.id === 'key_4')?.count, 2)
      assert.deepEqual(await world.credentials.usageDays(id, 2), [
        { day: day(-1), ok: 0, issue: 0 },
        { day: day(0), ok: 5, issue: 1 },
      ])
      world.usage.add(id, user(1), 'ok')
      await clock.advance(86_400_000)
      world.usage.add(id, user(1), 'issue')
      assert.deepEqual((await world.credentials.usageDays(id, 90)).slice(-2), [
        { day: day(-1), ok: 6, issue: 1 },
        { day: day(0), ok: 0, issue: 1 },
      ])
      assert.deepEqual((await world.credentials.get(ids[1]!)).usedBy, { items: [], count: 0, actions: [] })
    })

    it('asks the database as often for 500 rows as for one', async () => {
      const asked = async (limit: number) => {
        let queries = 0
        const { db } = world.context
        const counting = new Proxy(db, {
          get(target, name) {
            if (name === 'selectFrom') queries += 1
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
        const { listCredentials } = await import('./credential-list.ts')
        const page = await listCredentials({ ...world.context, db: counting }, { limit, sort: '-last_used' })
        assert.equal(page.items.length, Math.min(limit, ids.length))
        return queries
      }
      assert.equal(await asked(500), await asked(1))
    })
  })
}
