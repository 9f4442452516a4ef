import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { makeMailBed, somebody, until, type MailBed } from '../../test/mail-world.ts'
import { makeNoticeNode, noticeUrl, type NoticeNode } from '../../test/notice-world.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../../test/webhook-receiver.ts'
import { databases } from '../../test/world.ts'
import { addressRules } from '../base/addresses.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { createOutgoingHttp } from '../base/http.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { noticeEvents } from '../base/notice-events.ts'
import { retryPauses, WebhookDeliveries } from './webhook-delivery.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

type Bed = MailBed & { clock: TestClock; receiver: WebhookReceiver; node: NoticeNode }

for (const kind of databases) {
  const bedOf = async (t: TestContext): Promise<Bed> => {
    const clock = createTestClock()
    const bed = await makeMailBed(t, { kind, clock, start: false })
    const receiver = await startWebhookReceiver()
    const node = makeNoticeNode(bed)
    t.after(async () => {
      await receiver.close()
      const stopped = node.stop()
      await clock.advance(20_000)
      await stopped
    })
    await node.notices.look()
    return { ...bed, clock, receiver, node }
  }
  const addHook = async (bed: Bed, name = 'pager', path = '/hook') => {
    const { webhook, secret } = await bed.webhooks.create({ name, url: new Secret(`${bed.receiver.url}${path}`), events: [...noticeEvents] }, somebody)
    bed.receiver.secrets.push(secret.reveal())
    await bed.node.notices.look()
    return webhook
  }
  /** Makes a credential, and has the provider refuse it. */
  const breakOne = async (bed: MailBed, name = 'work-mail', description = 'revoked') => {
    bed.fake.answer = () => ({ body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'CANARY-refresh' } })
    const id = await bed.token(name)
    await bed.world.credentials.refresh(id, somebody)
    bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant', error_description: description } })
    await assert.rejects(bed.world.credentials.refresh(id, somebody))
    return id
  }
  const isBusy = async ({ context: { db, clock } }: Bed) =>
    (await db.selectFrom('jobs').select(['due_at', 'lease']).execute()).some((job) => job.lease !== null || job.due_at <= clock.now())
  /** Lets time pass until something is so. Larger steps are taken only while nobody waits for an answer: leases would run out meanwhile. */
  const passing = async (bed: Bed, what: string, look: () => boolean | Promise<boolean>, step = 1000) =>
    await until(what, async () => {
      if (await look()) return true
      if (step > 1000 && !(await isBusy(bed))) bed.clock.jump(step - 1000)
      await bed.clock.advance(1000)
      return undefined
    })
  const attempts = (bed: Bed) => bed.receiver.seen.length + bed.receiver.wrong.length

  describe(`webhooks on ${kind}`, () => {
    it('get a signed message of each change, once, with diagnosis and a link to the page', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      await bed.node.jobs.start()
      const id = await breakOne(bed)
      await bed.node.notices.look()
      await bed.node.notices.look()
      await passing(bed, 'the message', () => attempts(bed) > 0)
      for (let n = 0; n < 20; n++) await bed.clock.advance(1000)
      assert.deepEqual([bed.receiver.seen.length, bed.receiver.wrong.length], [1, 0])
      const [{ headers, json, path }] = bed.receiver.seen as [WebhookReceiver['seen'][0]]
      assert.match(String(headers['webhook-id']), /^ntc_/)
      assert.ok(Math.abs(Number(headers['webhook-timestamp']) * 1000 - bed.clock.now()) < 10 * minute)
      assert.equal(headers['content-type'], 'application/json')
      assert.equal(path, '/hook')
      assert.deepEqual([json.type, json.data.more, json.data.text], ['credential.broken', 0, 'Keybearer: "work-mail" needs a person'])
      const [notice] = json.data.notices
      assert.deepEqual(notice?.about, { kind: 'credential', id, name: 'work-mail' })
      assert.match(notice.message ?? '', /no longer accepts the refresh token/)
      assert.match(notice.next_step ?? '', /Reconnect/)
      assert.equal(notice.url, `${noticeUrl}/credentials/${id}`)
      await passing(bed, 'the success', async () => (await bed.webhooks.get('pager')).lastSuccessAt !== null)
      const view = await bed.webhooks.get('pager')
      assert.deepEqual([view.failures, view.failingSince], [0, null])
    })

    it('P9: get no secret, and no address but the page', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      await bed.node.jobs.start()
      await breakOne(bed, 'work-mail', 'the token CANARY-refresh was revoked, see https://evil.example/act?code=CANARY-code or myapp://x?y=CANARY')
      await bed.node.notices.look()
      await passing(bed, 'the message', () => attempts(bed) > 0)
      const [{ body, headers }] = bed.receiver.seen as [WebhookReceiver['seen'][0]]
      assert.doesNotMatch(body + JSON.stringify(headers), /CANARY|evil\.example|myapp|whsec_/)
      for (const link of body.match(/\w+:\/\/[^"\s]+/g) ?? []) assert.match(link, /^https:\/\/keys\.example\.org\/credentials\/cred_\w+$/)
      const jobs = await bed.context.db.selectFrom('jobs').select('payload').execute()
      assert.ok(jobs.every((job) => !job.payload.includes('CANARY')))
    })

    it('that answer badly, late or never are tried again with the same id, and a new time, until they take it', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      await bed.node.jobs.start()
      const answers = [
        { status: 500 },
        'drop',
        { status: 302, headers: { location: `${bed.receiver.url}/elsewhere` } },
        { status: 404 },
        { status: 204, wait: 300 },
      ] as const
      bed.receiver.answer = (_hook, count) => answers[count - 1] ?? { status: 500 }
      await breakOne(bed)
      await bed.node.notices.look()
      for (const count of [1, 2, 3, 4, 5]) await passing(bed, `attempt ${count}`, () => attempts(bed) >= count, minute)
      await passing(bed, 'the end', async () => (await bed.context.db.selectFrom('jobs').selectAll().execute()).length === 0)
      const { seen } = bed.receiver
      assert.deepEqual([seen.length, new Set(seen.map((one) => one.id)).size, new Set(seen.map((one) => one.body)).size], [5, 1, 1])
      const times = seen.map((one) => Number(one.headers['webhook-timestamp']))
      assert.deepEqual(
        times,
        [...new Set(times)].sort((a, b) => a - b),
      )
      assert.ok(
        seen.every((one) => one.path === '/hook'),
        'a redirect is not followed',
      )
      for (const [i, time] of times.slice(1).entries()) assert.ok(time - times[i]! >= retryPauses[i]! / 1000 - 1, `pause ${i}`)
      assert.deepEqual([(await bed.webhooks.get('pager')).failures, (await bed.webhooks.get('pager')).lastError], [0, null])
    })

    it('that say when to come again are not asked before', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      await bed.node.jobs.start()
      bed.receiver.answer = (_hook, count) => (count === 1 ? { status: 429, headers: { 'retry-after': '1800' } } : { status: 200 })
      await breakOne(bed)
      await bed.node.notices.look()
      await passing(bed, 'the first', () => attempts(bed) === 1)
      await passing(bed, 'it waits', async () => (await bed.context.db.selectFrom('jobs').select('lease').execute()).every((job) => job.lease === null))
      bed.clock.jump(25 * minute)
      for (let n = 0; n < 5; n++) await bed.clock.advance(1000)
      assert.equal(attempts(bed), 1)
      await passing(bed, 'the second', () => attempts(bed) === 2, minute)
    })

    it('that take nothing for days are switched off, and a person is told by mail; a jump of the clock alone does not do it', async (t) => {
      const bed = await bedOf(t)
      await bed.sender({ mechanism: 'none' })
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: ['webhook.disabled'] } }, somebody)
      const { id } = await addHook(bed)
      await bed.node.jobs.start()
      bed.receiver.answer = () => ({ status: 500 })
      await breakOne(bed)
      await bed.node.notices.look()
      await passing(bed, 'the first', () => attempts(bed) === 1)
      bed.clock.jump(10 * day)
      await passing(bed, 'the second', () => attempts(bed) === 2)
      assert.equal((await bed.webhooks.get(id)).enabled, true)
      await passing(bed, 'the end', async () => !(await bed.webhooks.get(id)).enabled, hour)
      const view = await bed.webhooks.get(id)
      assert.ok(view.failures >= 8)
      assert.match(view.disabledReason ?? '', /Nothing came through for \d+ days\. It answered 500/)
      const [record] = (await bed.context.audit.list({ action: 'webhook.disabled' })).items
      assert.deepEqual([record?.subject?.id, record?.reason], [id, 'failing'])
      await bed.node.notices.look()
      await bed.node.notices.look()
      const { items } = await bed.outbox.list({})
      assert.deepEqual(
        items.map((item) => item.subject),
        ['Keybearer: the webhook "pager" is switched off'],
      )
      await breakOne(bed, 'another')
      await bed.node.notices.look()
      const before = attempts(bed)
      for (let n = 0; n < 20; n++) await bed.clock.advance(1000)
      assert.equal(attempts(bed), before, 'one that is off is not called')
      bed.receiver.answer = () => ({ status: 200 })
      assert.deepEqual([(await bed.webhooks.change(id, { enabled: true }, somebody)).failures, (await bed.webhooks.get(id)).disabledReason], [0, null])
      await breakOne(bed, 'third')
      await bed.node.notices.look()
      await passing(bed, 'it is told again', () => attempts(bed) > before)
    })

    it('that answer 410 are switched off at once', async (t) => {
      const bed = await bedOf(t)
      const { id } = await addHook(bed)
      await bed.node.jobs.start()
      bed.receiver.answer = () => ({ status: 410 })
      await breakOne(bed)
      await bed.node.notices.look()
      await passing(bed, 'the end', async () => !(await bed.webhooks.get(id)).enabled)
      assert.equal(attempts(bed), 1)
      assert.equal((await bed.context.audit.list({ action: 'webhook.disabled' })).items[0]?.reason, 'gone')
    })

    it('one that hangs keeps no other from being told, and what it missed is not lost', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed, 'deaf', '/deaf')
      await addHook(bed, 'pager', '/hook')
      await bed.node.jobs.start()
      bed.receiver.answer = ({ path }) => (path === '/deaf' ? 'hang' : { status: 200 })
      await breakOne(bed)
      await bed.node.notices.look()
      await passing(bed, 'the other', () => bed.receiver.seen.some((one) => one.path === '/hook'))
      await passing(bed, 'its job is done', async () => (await bed.context.db.selectFrom('jobs').selectAll().execute()).length === 1)
      assert.equal(bed.receiver.seen.filter((one) => one.path === '/hook').length, 1)
    })

    it('are told of many at once in one message, of which the first are named', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      await bed.node.jobs.start()
      for (let n = 0; n < 52; n++) await breakOne(bed, `mail ${n}`)
      await bed.node.notices.look()
      await passing(bed, 'the message', () => attempts(bed) > 0)
      for (let n = 0; n < 20; n++) await bed.clock.advance(1000)
      const [{ json }, ...more] = bed.receiver.seen as [WebhookReceiver['seen'][0]]
      assert.deepEqual([json.data.notices.length, json.data.more, more.length], [50, 2, 0])
    })

    it('are told once, however many nodes look and work at the same time', async (t) => {
      const bed = await bedOf(t)
      await addHook(bed)
      const others = Array.from({ length: 4 }, () => makeNoticeNode(bed))
      t.after(async () => {
        const stopped = Promise.all(others.map((one) => one.stop()))
        await bed.clock.advance(20_000)
        await stopped
      })
      const nodes = [bed.node, ...others]
      for (const one of nodes) await one.jobs.start()
      await breakOne(bed)
      await Promise.all(nodes.map((one) => one.notices.look()))
      await passing(bed, 'the message', () => attempts(bed) > 0)
      for (let n = 0; n < 20; n++) await bed.clock.advance(1000)
      assert.equal(attempts(bed), 1)
    })

    it('N4: private addresses are not called, unless the settings allow them, and neither is plain http elsewhere', async (t) => {
      const bed = await bedOf(t)
      const strict = createOutgoingHttp({ addresses: addressRules([]), resolve: async () => ['10.0.0.7'] })
      t.after(() => strict.close())
      const deliveries = new WebhookDeliveries({ ...bed.context, http: strict })
      const { webhook } = await bed.webhooks.create({ name: 'inside', url: new Secret('https://hooks.example/x'), events: ['backup.old'] }, somebody)
      const row = await bed.context.db.selectFrom('webhooks').selectAll().where('id', '=', webhook.id).executeTakeFirstOrThrow()
      const outcome = await deliveries.send(await deliveries.open(row), { id: 'ntc_1', body: '{}' })
      assert.ok(outcome.kind === 'failed' && /hooks\.example has the address 10\.0\.0\.7, which is private/.test(outcome.message))
      const toLoopback = await deliveries.send({ ...(await deliveries.open(row)), url: new Secret(`${bed.receiver.url}/hook`) }, { id: 'ntc_1', body: '{}' })
      assert.equal(toLoopback.kind, 'failed')
      assert.equal(attempts(bed), 0)
    })

    it('take only addresses that can be right, and each mistake is named', async (t) => {
      const bed = await bedOf(t)
      for (const url of [
        'http://hooks.example/x',
        'ftp://hooks.example',
        'https://user:pw@hooks.example/',
        'https://hooks.example/#x',
        'hooks.example',
        'https://a b/',
      ]) {
        await assert.rejects(
          bed.webhooks.create({ name: 'wrong', url: new Secret(url), events: ['backup.old'] }, somebody),
          (error) => isProblem(error, 'invalid_request') && error.errors?.[0]?.path === 'url' && !error.message.includes('hooks'),
          url,
        )
      }
      await assert.rejects(bed.webhooks.create({ name: 'wrong', url: new Secret('https://hooks.example/'), events: [] }, somebody), { code: 'invalid_request' })
      await addHook(bed)
      await assert.rejects(addHook(bed), { code: 'name_taken' })
      assert.equal((await bed.webhooks.list()).length, 1)
    })

    it('are tested for real, also when switched off, and say what came of it', async (t) => {
      const bed = await bedOf(t)
      const { id } = await addHook(bed)
      const good = await bed.webhooks.test(id, somebody)
      assert.equal(good.outcome.kind, 'delivered')
      assert.equal(bed.receiver.seen[0]?.json.type, 'webhook.test')
      await bed.webhooks.change(id, { enabled: false }, somebody)
      bed.receiver.answer = () => ({ status: 301, headers: { location: 'https://elsewhere.example/' } })
      const bad = await bed.webhooks.test(id, somebody)
      assert.ok(bad.outcome.kind === 'failed' && /301, a redirect/.test(bad.outcome.message))
      assert.equal((await bed.webhooks.get(id)).failures, 0, 'a test says nothing of the days before')
      assert.deepEqual(
        (await bed.context.audit.list({ action: 'webhook.tested' })).items.map((item) => [item.outcome, item.detail.status]),
        [
          ['failed', 301],
          ['done', 204],
        ],
      )
    })

    it('K1: address and secret lie sealed, and a new secret signs beside the old one for a day', async (t) => {
      const bed = await bedOf(t)
      const { id } = await addHook(bed, 'pager', '/services/CANARY-path')
      const [old] = bed.receiver.secrets as [string]
      const stored = JSON.stringify(await bed.context.db.selectFrom('webhooks').selectAll().execute(), (_key, value: unknown) =>
        value instanceof Object && 'bytes' in value ? Buffer.from(value.bytes as Uint8Array).toString('latin1') : value,
      )
      assert.doesNotMatch(stored, /CANARY/)
      assert.ok(!stored.includes(old.slice(6)))
      assert.equal((await bed.webhooks.get(id)).origin, bed.receiver.url)
      const { secret } = await bed.webhooks.renewSecret(id, somebody)
      for (const known of [[old], [secret.reveal()]]) {
        bed.receiver.secrets = known
        assert.equal((await bed.webhooks.test(id, somebody)).outcome.kind, 'delivered')
      }
      assert.deepEqual([bed.receiver.seen.length, bed.receiver.wrong.length], [2, 0])
      bed.clock.jump(day + 1000)
      bed.receiver.secrets = [old]
      await bed.webhooks.test(id, somebody)
      assert.equal(bed.receiver.wrong.length, 1, 'after a day the old one signs no more')
      await bed.webhooks.delete(id, somebody)
      assert.equal((await bed.context.db.selectFrom('data_keys').select('owner').where('owner', '=', id).execute()).length, 0)
    })
  })
}
