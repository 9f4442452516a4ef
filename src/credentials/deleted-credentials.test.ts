import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Caller } from '../access/caller.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { readCredential } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { findDeleted } from '../storage/deleted-credentials.ts'
import { beforeTransaction, databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type World } from '../../test/world.ts'
import { credentialPlace } from './token-set.ts'

const day = 86_400_000
const order = { purpose: 'token', actor: tester } as const
const notFound = (error: unknown) => isProblem(error, 'not_found')

for (const kind of databases) {
  const bedOf = async (t: TestContext, options: { deletedDays?: number } = {}) => {
    const place = await makePlace(kind)
    const clock = createTestClock()
    const world = await openWorld(place, { clock, deletedDays: 30, ...options })
    const fake = await startFakeProvider()
    t.after(async () => {
      await fake.close()
      await world.close()
      await place.remove()
    })
    const { credentials, deletedCredentials: deleted } = world
    const keep = async (name: string, secret = 'k') =>
      (await credentials.create({ name, kind: 'api_key', secret: new Secret(secret), allowedHosts: ['127.0.0.1'] }, tester)).id
    const remove = async (ref: string, revoke = false) => await credentials.delete(ref, { revoke }, tester)
    return { world, clock, fake, credentials, deleted, keep, remove }
  }
  const statusOf = async ({ store: { db } }: World, id: string) => {
    const row = (await readCredential(db, id))!
    return { status: row.status, code: row.status_reason === null ? null : (JSON.parse(row.status_reason) as { code: string }).code, due: row.refresh_due_at }
  }
  const recordsOf = async ({ store: { db } }: World, id: string) =>
    (await db.selectFrom('audit').select(['action', 'actor']).where('subject', '=', id).orderBy('seq').execute())
      .filter(({ action }) => action !== 'token.handed_out')
      .map(({ action, actor }) => `${action} by ${actor}`)

  describe(`deleted credentials, on ${kind}`, () => {
    it('P2: a deleted credential is unusable at once, and inside the time it comes back as it was', async (t) => {
      const { world, clock, credentials, deleted, keep, remove } = await bedOf(t)
      const id = await keep('crm', 'the-secret')
      await credentials.change(id, { description: 'for the shop', tags: ['shop'] }, tester)
      // A node that has it in memory forgets it, too.
      assert.equal((await credentials.handOut('crm', order)).accessToken.reveal(), 'the-secret')
      const before = await credentials.get(id)
      const used = { by: await credentials.usage(id), days: await credentials.usageDays(id, 1) }
      assert.equal(used.by.length, 1)
      const { restorableUntil } = await remove('crm')
      assert.equal(restorableUntil, clock.now() + 30 * day)
      for (const ref of ['crm', id]) {
        await assert.rejects(credentials.handOut(ref, order), notFound)
        await assert.rejects(credentials.get(ref), notFound)
        await assert.rejects(credentials.change(ref, { description: '' }, tester), notFound)
      }
      assert.deepEqual((await credentials.list({})).items, [])
      assert.deepEqual(await deleted.list(), {
        items: [
          {
            id,
            name: 'crm',
            kind: 'api_key',
            grant: null,
            username: null,
            registration: null,
            hasSecret: true,
            deletedAt: clock.now(),
            deletedBy: { id: tester.id, name: tester.name },
            restorableUntil,
          },
        ],
        next: null,
      })

      await clock.advance(29 * day)
      await deleted.purgeOverdue()
      assert.equal(await deleted.restore('CRM', {}, tester), id)
      assert.deepEqual(await credentials.usage(id), used.by)
      assert.deepEqual((await credentials.usageDays(id, 30))[0], used.days[0])
      assert.equal((await credentials.handOut('crm', order)).accessToken.reveal(), 'the-secret')
      const after = await credentials.get(id)
      for (const field of ['name', 'kind', 'description', 'tags', 'allowedHosts', 'status', 'reason', 'createdAt'] as const)
        assert.deepEqual(after[field], before[field], field)
      assert.ok(after.revision > before.revision, 'whoever changes it by an old revision is told')
      assert.deepEqual((await deleted.list()).items, [])
      await assert.rejects(deleted.restore(id, {}, tester), notFound)
      assert.deepEqual(await recordsOf(world, id), [
        'credential.created by key_test',
        'credential.changed by key_test',
        'credential.deleted by key_test',
        'credential.restored by key_test',
      ])
    })

    it('P2: a purge destroys the key of its secret, so that no copy of its row can be opened', async (t) => {
      const { world, credentials, deleted, keep, remove } = await bedOf(t)
      const { db } = world.store
      const id = await keep('crm', 'CANARY-purged')
      await remove(id)
      const copy = (await findDeleted(db, id))!
      const { generation } = JSON.parse(copy.facts) as { generation: number }
      const openCopy = async () => (await world.context.vault.open(dataKeysOf(db), credentialPlace(id, generation), copy.secret!)).reveal()
      assert.match(await openCopy(), /CANARY-purged/)
      const forget = t.mock.method(world.context.vault, 'forget')
      await deleted.purge('crm', tester)
      assert.deepEqual(forget.mock.calls[0]?.arguments, [id], 'the key is not in memory either')
      await assert.rejects(openCopy(), (error) => isProblem(error, 'decrypt_failed'))
      assert.equal(await dataKeysOf(db).read(id), null)
      assert.equal(await findDeleted(db, id), undefined)
      await assert.rejects(deleted.restore(id, {}, tester), notFound)
      await assert.rejects(deleted.purge(id, tester), notFound)
      await assert.rejects(credentials.get(id), notFound)
      assert.deepEqual((await recordsOf(world, id)).slice(-2), ['credential.deleted by key_test', 'credential.purged by key_test'])
    })

    it('P2: what nobody restores is purged when its time is over, and not before', async (t) => {
      const { world, clock, deleted, keep, remove } = await bedOf(t)
      const first = await keep('first')
      await remove(first)
      await clock.advance(day)
      const second = await keep('second')
      await remove(second)
      await clock.advance(29 * day - 1)
      await deleted.purgeOverdue()
      assert.deepEqual(
        (await deleted.list()).items.map(({ name }) => name),
        ['second', 'first'],
      )
      await clock.advance(1)
      await deleted.purgeOverdue()
      assert.deepEqual(
        (await deleted.list()).items.map(({ name }) => name),
        ['second'],
      )
      const keys = async () =>
        (await world.store.db.selectFrom('data_keys').select('owner').where('owner', 'like', 'cred_%').execute()).map(({ owner }) => owner)
      assert.deepEqual(await keys(), [second])
      await clock.advance(day)
      await deleted.purgeOverdue()
      assert.deepEqual(await keys(), [])
      assert.equal((await recordsOf(world, second)).at(-1), 'credential.purged by service')
    })

    it('P2: with 0 days it is gone at once', async (t) => {
      const { world, deleted, keep, remove } = await bedOf(t, { deletedDays: 0 })
      const id = await keep('crm')
      assert.equal((await remove(id)).restorableUntil, null)
      assert.deepEqual((await deleted.list()).items, [])
      assert.equal(await dataKeysOf(world.store.db).read(id), null)
    })

    it('P2: an access key that names it may not use it while it is deleted, and finds it again afterwards', async (t) => {
      const { world, credentials, deleted, keep, remove } = await bedOf(t)
      const id = await keep('crm')
      const { key } = await world.accessKeys.create({ name: 'nightly', permissions: [{ credential: id, rights: ['token'] }] }, tester)
      const caller = await world.accessKeys.authenticate(`Bearer ${key.reveal()}`, '127.0.0.1')
      assert.ok(caller instanceof Caller && caller.can('token', id))
      await remove(id)
      // One of the same name is another one.
      const other = await keep('crm')
      assert.ok(!caller.can('token', other))
      await credentials.delete(other, { revoke: false }, tester)
      await deleted.restore(id, {}, tester)
      assert.ok((await world.accessKeys.authenticate(`Bearer ${key.reveal()}`, '127.0.0.1')).can('token', (await credentials.get('crm')).id))
    })

    it('one that renews itself is renewed at once when it comes back', async (t) => {
      const { world, clock, fake, credentials, deleted, remove } = await bedOf(t)
      const id = await makeRefreshable(world, fake)
      await credentials.handOut(id, order)
      await remove(id)
      await clock.advance(3 * day)
      await deleted.restore('work-mail', {}, tester)
      assert.deepEqual(await statusOf(world, id), { status: 'retrying', code: 'undeleted', due: clock.now() })
      const asked = fake.seen.length
      await credentials.handOut(id, order)
      assert.equal(fake.seen.length, asked + 1)
      assert.equal((await statusOf(world, id)).status, 'ready')
    })

    it('tokens that were taken back do not come back: a person connects it anew, or the next one is fetched where none is needed', async (t) => {
      const { world, clock, fake, credentials, deleted, remove } = await bedOf(t)
      const id = await makeRefreshable(world, fake)
      const { registration } = await credentials.get(id)
      const silent = await credentials.create({ name: 'silent', kind: 'oauth2', grant: 'client_credentials', registration: registration!.id }, tester)
      for (const one of [id, silent.id]) await credentials.handOut(one, order)
      for (const one of [id, silent.id]) {
        assert.equal((await remove(one, true)).revocation.outcome, 'revoked')
        await clock.advance(1)
      }
      assert.deepEqual(
        (await deleted.list()).items.map((one) => [one.name, one.hasSecret, one.registration]),
        [
          ['silent', false, registration!.name],
          ['work-mail', false, registration!.name],
        ],
      )
      for (const one of [id, silent.id]) await deleted.restore(one, {}, tester)
      assert.deepEqual(await statusOf(world, id), { status: 'needs_consent', code: 'revoked', due: null })
      assert.deepEqual(await statusOf(world, silent.id), { status: 'retrying', code: 'undeleted', due: clock.now() })
      await assert.rejects(credentials.handOut(id, order), (error) => isProblem(error, 'needs_consent'))
      await credentials.handOut(silent.id, order)
    })

    it('what was paused, or waits for a person, comes back as it was', async (t) => {
      const { world, fake, credentials, deleted, keep, remove } = await bedOf(t)
      const paused = await keep('paused')
      await credentials.pause(paused, tester)
      const broken = await makeRefreshable(world, fake)
      fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      await assert.rejects(credentials.handOut(broken, order))
      const before = await Promise.all([paused, broken].map((id) => statusOf(world, id)))
      for (const id of [paused, broken]) await remove(id)
      for (const id of [paused, broken]) await deleted.restore(id, {}, tester)
      assert.deepEqual(await Promise.all([paused, broken].map((id) => statusOf(world, id))), before)
      await credentials.resume(paused, tester)
      assert.equal((await credentials.get(paused)).status, 'ready')
    })

    it('comes back paused where an emergency stop was ordered meanwhile, unless that was undone', async (t) => {
      const { world, clock, credentials, deleted, keep, remove } = await bedOf(t)
      const ids = await Promise.all(['one', 'two', 'three'].map((name) => keep(name)))
      await remove(ids[0]!)
      await clock.advance(1)
      const stop = await world.emergencyStops.begin({ match: {}, revoke: false, reason: '' }, tester)
      await clock.advance(1)
      await remove(ids[1]!)
      await remove(ids[2]!)
      await deleted.restore(ids[0]!, {}, tester)
      assert.deepEqual(await statusOf(world, ids[0]!), { status: 'paused', code: 'restored_after_stop', due: null })
      assert.equal((await credentials.resume(ids[0]!, tester)).status, 'ready')
      await remove(ids[0]!)
      await deleted.restore(ids[0]!, {}, tester)
      assert.equal((await credentials.get(ids[0]!)).status, 'ready', 'it was deleted after the stop')
      // What the stop itself had paused stays so.
      await deleted.restore(ids[1]!, {}, tester)
      assert.equal((await credentials.get(ids[1]!)).status, 'paused')
      await clock.advance(1)
      await remove(ids[0]!)
      const other = await world.emergencyStops.begin({ match: {}, revoke: false, reason: '' }, tester)
      await world.emergencyStops.undo(other.id, tester)
      await world.emergencyStops.undo(stop.id, tester)
      await deleted.restore(ids[0]!, {}, tester)
      assert.equal((await credentials.get(ids[0]!)).status, 'ready')
    })

    it('takes another name where its own is taken, and says so otherwise; nothing is lost by the refusal', async (t) => {
      const { credentials, deleted, keep, remove } = await bedOf(t)
      const id = await keep('crm', 'old')
      await remove(id)
      await keep('crm', 'new')
      await assert.rejects(deleted.restore(id, {}, tester), (error) => isProblem(error, 'name_taken'))
      await assert.rejects(deleted.restore(id, { name: 'cred_x' }, tester), (error) => isProblem(error, 'invalid_request'))
      assert.equal(await deleted.restore('crm', { name: ' crm  of  2025 ' }, tester), id)
      assert.equal((await credentials.handOut('crm of 2025', order)).accessToken.reveal(), 'old')
      assert.equal((await credentials.handOut('crm', order)).accessToken.reveal(), 'new')
    })

    it('by a name the one that was deleted last is meant', async (t) => {
      const { clock, deleted, keep, remove } = await bedOf(t)
      const ids: string[] = []
      for (let i = 0; i < 3; i++) {
        const id = await keep('crm')
        ids.push(id)
        await remove(id)
        await clock.advance(1)
      }
      assert.equal(await deleted.restore('crm', {}, tester), ids[2])
      assert.equal(await deleted.restore('crm', { name: 'crm 2' }, tester), ids[1])
    })

    it('says which registration is gone, and keeps it until its time is over', async (t) => {
      const { world, fake, credentials, deleted, remove } = await bedOf(t)
      const id = await makeRefreshable(world, fake)
      const { registration } = await credentials.get(id)
      await remove(id)
      await world.registrations.delete(registration!.id, tester)
      await assert.rejects(
        deleted.restore(id, {}, tester),
        (error) => notFound(error) && (error as Error).message.includes(`needs the registration "${registration!.name}", which was deleted`),
      )
      assert.equal((await deleted.list()).items[0]?.id, id)
    })

    it('is listed in pages, each one once', async (t) => {
      const { clock, deleted, keep, remove } = await bedOf(t)
      const made: string[] = []
      for (let i = 0; i < 7; i++) {
        made.unshift(await keep(`c${i}`))
        await remove(made[0]!)
        if (i % 3 === 0) await clock.advance(1)
      }
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await deleted.list({ limit: 2, ...(cursor === '' ? {} : { cursor }) })
        seen.push(...page.items.map(({ id }) => id))
        cursor = page.next
      }
      assert.deepEqual(seen.toSorted(), made.toSorted())
      await assert.rejects(deleted.list({ cursor: 'nonsense' }), (error) => isProblem(error, 'invalid_request'))
    })

    it('P2: of two who restore or purge at the same moment, one is told that it is gone', async (t) => {
      const { world, credentials, deleted, keep, remove } = await bedOf(t)
      const id = await keep('crm')
      await remove(id)
      beforeTransaction(world, 1, async () => {
        await deleted.purge(id, tester)
      })
      await assert.rejects(deleted.restore(id, {}, tester), notFound)
      await assert.rejects(credentials.get(id), notFound)
      const other = await keep('crm')
      await remove(other)
      beforeTransaction(world, 1, async () => {
        await deleted.restore(other, {}, tester)
      })
      await assert.rejects(deleted.purge(other, tester), notFound)
      assert.equal((await credentials.handOut(other, order)).accessToken.reveal(), 'k', 'its key is still there')
    })
  })
}
