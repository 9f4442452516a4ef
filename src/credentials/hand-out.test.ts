import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { createTestClock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { AuditTrail } from '../access/audit.ts'
import { Credentials } from './credentials.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from '../../test/world.ts'

const hash = (name: string, text: string, form: string) =>
  createHash(name)
    .update(text)
    .digest(form as 'hex')

for (const database of databases) {
  describe(`hand-outs on ${database}`, () => {
    let place: Place
    let world: World
    let fake: FakeProvider
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      fake = await startFakeProvider()
    })
    after(async () => {
      await world.close()
      await fake.close()
      await place.remove()
    })

    const rotating = (life = 3600) => {
      let n = 0
      let current: string | null = null
      fake.answer = ({ parameters }) => {
        if (parameters.get('grant_type') === 'refresh_token' && current !== null && parameters.get('refresh_token') !== current) {
          return { status: 400, body: { error: 'invalid_grant', error_description: 'reuse' } }
        }
        n += 1
        current = `rt-${n}-${Math.random()}`
        return {
          body: { access_token: `at-${n}-${Math.random()}`, token_type: 'Bearer', expires_in: life, refresh_token: current, scope: 'mail.send' },
          wait: 30,
        }
      }
    }

    it('O16: 50 callers at the same moment cause one token request and all get the new token', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `stampede-${database}`)
      const seen = fake.seen.length
      const tokens = await Promise.all(Array.from({ length: 50 }, () => world.credentials.handOut(id, { purpose: 'token', actor: tester })))
      assert.equal(fake.seen.length - seen, 1)
      assert.equal(new Set(tokens.map((token) => token.accessToken.reveal())).size, 1)
      const view = await world.credentials.get(id)
      assert.equal(view.status, 'ready')
      assert.deepEqual(view.grantedScopes, ['mail.send'])
    })

    it('O16: a provider that hangs holds up what is of it and nothing else, however much that is', async (t) => {
      const hanging = await startFakeProvider()
      let release = () => {}
      const held = new Promise<void>((resolve) => (release = resolve))
      hanging.answer = async () => {
        await held
        return { status: 503, body: 'too late' }
      }
      t.after(async () => {
        release()
        await Promise.allSettled(waiting)
        await hanging.close()
      })
      const stuck = await Promise.all(Array.from({ length: 40 }, (_, i) => makeRefreshable(world, hanging, `stuck-${i}-${database}`)))
      let ended = 0
      const waiting = stuck.map((id) => world.credentials.handOut(id, { purpose: 'token', actor: tester }).finally(() => ended++))
      for (const one of waiting) one.catch(() => undefined)
      while (hanging.seen.length === 0) await new Promise((done) => setTimeout(done, 20))

      rotating()
      const id = await makeRefreshable(world, fake, `beside-the-stuck-${database}`)
      const token = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      assert.match(token.accessToken.reveal(), /^at-/)
      assert.equal(ended, 0, 'the others still hang')
    })

    it('O10: a new secret that the provider does not know yet holds nothing up: the one before it is tried, and it warns', async () => {
      const id = await makeRefreshable(world, fake, `two-secrets-${database}`)
      const { registration } = await world.credentials.get(id)
      await world.registrations.change(registration!.id, { clientSecret: new Secret('a-new-secret') }, tester)
      const secrets: string[] = []
      fake.answer = ({ headers }) => {
        const [, secret = ''] = Buffer.from((headers.authorization ?? '').slice(6), 'base64')
          .toString()
          .split(':')
        secrets.push(secret)
        return secret === 'client-secret' ? { body: { access_token: 'at-by-the-old', expires_in: 3600 } } : { status: 401, body: { error: 'invalid_client' } }
      }
      const token = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      assert.equal(token.accessToken.reveal(), 'at-by-the-old')
      assert.deepEqual(secrets, ['a-new-secret', 'client-secret'], 'one secret in each request, the new one first')
      const [record] = (await world.context.audit.list({ subject: id, action: 'credential.refreshed' })).items
      assert.match(String(record?.detail.warning), /took the one before it/)
      assert.equal((await world.credentials.get(id)).status, 'ready')
      rotating()
    })

    it('keeps the old refresh token when the provider sends none', async () => {
      fake.answer = () => ({ body: { access_token: 'at-x', expires_in: 3600 } })
      const id = await makeRefreshable(world, fake, `keeps-${database}`, 'rt-kept')
      await world.credentials.refresh(id, tester)
      await world.credentials.refresh(id, tester)
      assert.equal(fake.seen.at(-1)?.parameters.get('refresh_token'), 'rt-kept')
    })

    it('O19: a refusal for good stops at once, says what to do, and is not repeated', async () => {
      fake.answer = () => ({ status: 400, body: { error: 'invalid_grant', error_description: 'Token has been revoked.' } })
      const id = await makeRefreshable(world, fake, `revoked-${database}`)
      const before = fake.seen.length
      for (let i = 0; i < 5; i++) {
        await assert.rejects(
          world.credentials.handOut(id, { purpose: 'token', actor: tester }),
          (error) => isProblem(error, 'needs_consent') && error.nextStep.includes('keybearer connect'),
        )
      }
      assert.equal(fake.seen.length - before, 1)
      const view = await world.credentials.get(id)
      assert.equal(view.status, 'needs_consent')
      assert.equal(view.nextStep?.action, 'reconnect')
    })

    it('O19: while the provider is away it is asked by the plan, however many callers ask', async () => {
      fake.answer = () => ({ status: 503, headers: { 'retry-after': '120' }, body: 'busy' })
      const id = await makeRefreshable(world, fake, `away-${database}`)
      const before = fake.seen.length
      for (let i = 0; i < 5; i++) {
        await assert.rejects(
          world.credentials.handOut(id, { purpose: 'token', actor: tester }),
          (error) => isProblem(error, 'provider_unavailable') && (error.retryAfter ?? 0) > 60,
        )
      }
      assert.equal(fake.seen.length - before, 1)
      assert.equal((await world.credentials.get(id)).status, 'retrying')
      rotating()
      const view = await world.credentials.refresh(id, tester)
      assert.equal(view.status, 'ready')
    })

    it('serves a token that still lives when its renewal fails', async () => {
      const clock = createTestClock()
      const otherPlace = await makePlace(database)
      const other = await openWorld(otherPlace, { clock })
      try {
        fake.answer = () => ({ body: { access_token: 'at-living', expires_in: 600, refresh_token: 'rt-b' } })
        const id = await makeRefreshable(other, fake, 'living')
        await other.credentials.refresh(id, tester)
        clock.jump(570_000)
        fake.answer = () => ({ status: 500, body: '' })
        const token = await other.credentials.handOut(id, { purpose: 'token', actor: tester })
        assert.equal(token.accessToken.reveal(), 'at-living')
        await assert.rejects(other.credentials.handOut(id, { purpose: 'token', actor: tester, minTtlSeconds: 60 }), (error) =>
          isProblem(error, 'provider_unavailable'),
        )
      } finally {
        await other.close()
        await otherPlace.remove()
      }
    })

    it('O20: a caller gets the rest life that was asked for, or hears that no token lives so long', async () => {
      rotating(300)
      const id = await makeRefreshable(world, fake, `ttl-${database}`)
      const token = await world.credentials.handOut(id, { purpose: 'token', actor: tester, minTtlSeconds: 120 })
      assert.ok((token.expiresAt ?? 0) - Date.now() >= 120_000)
      const before = fake.seen.length
      await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester, minTtlSeconds: 900 }), (error) => isProblem(error, 'ttl_too_long'))
      assert.equal(fake.seen.length, before, 'a wish that cannot be met causes no request')
    })

    it('A1: the audit record of a hand-out is committed before the token is returned', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `audited-${database}`)
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      const { items } = await world.context.audit.list({ subject: id, action: 'token.handed_out' })
      assert.equal(items.length, 1)
      assert.equal(items[0]?.actor.id, tester.id)
    })

    it('A1: many hand-outs at once are recorded with their number, apart for each caller, address and token', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `burst-${database}`)
      const elsewhere = { ...tester, address: '192.0.2.9' }
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      await Promise.all([tester, elsewhere, tester, tester, elsewhere].map(async (actor) => await world.credentials.handOut(id, { purpose: 'token', actor })))
      await world.credentials.refresh(id, tester)
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      const { items } = await world.context.audit.list({ subject: id, action: 'token.handed_out' })
      const told = items.map((item) => [item.address, item.detail.generation, item.detail.count ?? 1]).toReversed()
      const [early, late] = [told[0]![1], told.at(-1)![1]]
      assert.notEqual(early, late)
      assert.deepEqual(told, [
        [tester.address, early, 1],
        [tester.address, early, 3],
        [elsewhere.address, early, 2],
        [tester.address, late, 1],
      ])
      const usage = items.reduce((sum, item) => sum + Number(item.detail.count ?? 1), 0)
      assert.equal(usage, 7)
    })

    it('A2: when the audit trail cannot be written nothing is handed out, and it recovers by itself', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `blocked-${database}`)
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      await world.store.db.schema.alterTable('audit').renameTo('audit_away').execute()
      const burst = await Promise.allSettled(Array.from({ length: 5 }, () => world.credentials.handOut(id, { purpose: 'token', actor: tester })))
      assert.ok(burst.every((one) => one.status === 'rejected' && isProblem(one.reason, 'audit_blocked')))
      await world.store.db.schema.alterTable('audit_away').renameTo('audit').execute()
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      assert.deepEqual(await world.context.audit.verify().then((v) => v.ok), true)
    })

    it('A8: whoever has a leaked token finds its hand-outs; whoever has only the trail, or another key, finds nothing', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `leaked-${database}`)
      const { audit } = world.context
      const first = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      await world.credentials.handOut(id, { purpose: 'token', actor: { ...tester, id: 'key_other' } })
      await world.credentials.refresh(id, tester)
      const second = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      const found = async (mark: string) => (await audit.list({ mark })).items.map((item) => [item.action, item.subject?.id, item.actor.id])
      assert.deepEqual(await found(audit.mark(first.accessToken)), [
        ['token.handed_out', id, 'key_other'],
        ['token.handed_out', id, tester.id],
      ])
      assert.deepEqual(await found(audit.mark(second.accessToken)), [['token.handed_out', id, tester.id]])
      assert.deepEqual(await found(audit.mark(new Secret('never handed out'))), [])
      for (const pattern of ['%', '_'.repeat(22), '\\']) assert.deepEqual(await found(pattern), [])
      const trail = JSON.stringify(await world.store.db.selectFrom('audit').selectAll().execute())
      const token = first.accessToken.reveal()
      for (const text of [
        token,
        ...['sha256', 'sha512', 'sha1', 'md5'].flatMap((name) => ['hex', 'base64url', 'base64'].map((form) => hash(name, token, form))),
      ]) {
        assert.ok(!trail.includes(text.slice(0, 22)))
      }
      const other = new AuditTrail({ db: world.store.db, clock: world.context.clock, key: new Uint8Array(32) })
      assert.deepEqual(await found(other.mark(first.accessToken)), [])
    })

    it('asks for another token once when a server refused this one, and not in a storm', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `refused-${database}`)
      const first = await world.credentials.handOut(id, { purpose: 'mail', actor: tester })
      const before = fake.seen.length
      const second = await world.credentials.handOut(id, { purpose: 'mail', actor: tester, refusedGeneration: first.generation })
      assert.equal(second.generation, first.generation, 'a token just fetched is not fetched again')
      assert.equal(fake.seen.length, before)
    })

    it('hands out API keys and passwords as what they are', async () => {
      await world.credentials.create({ name: `k-${database}`, kind: 'api_key', secret: new Secret('abc') }, tester)
      await world.credentials.create({ name: `p-${database}`, kind: 'basic', username: 'u', secret: new Secret('pä:ss') }, tester)
      const key = await world.credentials.handOut(`k-${database}`, { purpose: 'token', actor: tester })
      assert.deepEqual([key.tokenType, key.accessToken.reveal()], ['ApiKey', 'abc'])
      const basic = await world.credentials.handOut(`p-${database}`, { purpose: 'token', actor: tester })
      assert.equal(Buffer.from(basic.accessToken.reveal(), 'base64').toString(), 'u:pä:ss')
    })

    it('a paused credential gives nothing and goes on where it was when it is resumed', async () => {
      rotating()
      const id = await makeRefreshable(world, fake, `paused-${database}`)
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      assert.equal((await world.credentials.pause(id, tester)).status, 'paused')
      await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester }), (error) => isProblem(error, 'paused'))
      const [refusal] = (await world.context.audit.list({ subject: id })).items
      assert.deepEqual(refusal && [refusal.action, refusal.outcome, refusal.subject?.name], ['token.handed_out', 'refused', `paused-${database}`])
      assert.equal((await world.credentials.resume(id, tester)).status, 'ready')
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
    })

    it('what was found paused without an event is not handed out from memory afterwards', async () => {
      rotating()
      let isFresh = true
      const { registrations, renewer, usage, revoker } = world
      const credentials = new Credentials({ ...world.context, isFresh: () => isFresh }, { registrations, renewer, usage, revoker })
      const id = await makeRefreshable(world, fake, `paused-elsewhere-${database}`)
      const ask = () => credentials.handOut(id, { purpose: 'token', actor: tester })
      await ask()
      await world.store.db.updateTable('credentials').set({ paused: 1, status: 'paused' }).where('id', '=', id).execute()
      for (isFresh of [false, true]) await assert.rejects(ask(), (error) => isProblem(error, 'paused'))
    })

    it('a name that is given away while it is read is not remembered for whom it stood', async () => {
      const name = `given-away-${database}`
      const id = await makeRefreshable(world, fake, name)
      assert.equal(await world.credentials.idOf(name), id)
      assert.equal(world.credentials.knownId(name), id)
      await world.credentials.change(id, { description: 'another' }, tester)
      const reading = world.credentials.idOf(name)
      world.context.bus.publish({ seq: 0, at: 0, type: 'credential.changed', subject: id, data: {} })
      await reading
      assert.equal(world.credentials.knownId(name), undefined)
    })

    it('O19: a person who joins a renewal that the plan forbids asks all the same, once with whoever else does', async () => {
      const id = await makeRefreshable(world, fake, `joined-${database}`)
      fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      await assert.rejects(world.credentials.refresh(id, tester), (error) => isProblem(error, 'needs_consent'))
      rotating()
      const seen = fake.seen.length
      const asked = ['by_use', 'by_person', 'by_person', 'by_schedule'] as const
      const outcomes = await Promise.all(asked.map((one) => world.renewer.renew(id, { generation: 99, actor: tester, asked: one })))
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['not_possible', 'settled', 'settled', 'not_possible'],
      )
      assert.equal(fake.seen.length - seen, 1)
      assert.equal((await world.credentials.get(id)).status, 'ready')
      // What a person cannot have either ends after one more try.
      await world.credentials.pause(id, tester)
      const again = await Promise.all((['by_use', 'by_person'] as const).map((one) => world.renewer.renew(id, { generation: 99, actor: tester, asked: one })))
      assert.deepEqual(
        again.map(({ kind }) => kind),
        ['not_possible', 'not_possible'],
      )
    })
  })
}
