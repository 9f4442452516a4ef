import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { until } from '../../test/mail-world.ts'
import { startLocalServer, type LocalServer } from '../../test/local-server.ts'
import { databases } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { CallLimit } from './call-limit.ts'
import { refusalOf, sign } from './hook-signature.ts'

describe('the signature of a webhook', () => {
  // The example of the specification and its libraries.
  const secret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const call = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: '1614265330',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    body: Buffer.from('{"test": 2432232314}'),
  }
  const now = 1614265330_000

  it('is the one that libraries for Standard Webhooks make', () => {
    assert.equal(sign(secret, call.id, call.timestamp, call.body), call.signature)
    assert.equal(refusalOf(call, secret, now), null)
    assert.equal(refusalOf({ ...call, signature: `v1,AAAA v2,x ${call.signature}` }, secret, now), null)
  })

  it('covers id, time and every byte of the body, and is of no use later', () => {
    for (const [change, reason] of [
      [{ id: 'msg_other' }, 'wrong_signature'],
      [{ timestamp: '1614265331' }, 'wrong_signature'],
      [{ body: Buffer.from('{"test": 2432232315}') }, 'wrong_signature'],
      [{ signature: call.signature.slice(0, -1) }, 'wrong_signature'],
      [{ signature: call.signature.replace('v1,', 'v2,') }, 'wrong_signature'],
      [{ signature: '' }, 'wrong_signature'],
      [{ signature: 'v1,' }, 'wrong_signature'],
      [{ signature: undefined }, 'unsigned'],
      [{ timestamp: undefined }, 'unsigned'],
      [{ id: undefined }, 'unsigned'],
      [{ id: 'a\nb' }, 'unsigned'],
      [{ timestamp: '1e9' }, 'unsigned'],
      [{ signature: `${'v1,A '.repeat(2000)}${call.signature}` }, 'unsigned'],
    ] as const)
      assert.equal(refusalOf({ ...call, ...change }, secret, now), reason, JSON.stringify(change))
    assert.equal(refusalOf(call, secret, now + 301_000), 'too_old')
    assert.equal(refusalOf(call, secret, now - 301_000), 'too_old')
    assert.equal(refusalOf(call, secret, now + 299_000), null)
    assert.equal(refusalOf(call, new Secret('whsec_AAAA'), now), 'wrong_signature')
  })
})

describe('the limit of calls', () => {
  it('lets a burst through, and then so many in a minute, for each', () => {
    const clock = createTestClock()
    const limit = new CallLimit(clock, { burst: 3, perMinute: 6 })
    const taken = (who: string): boolean => {
      try {
        limit.take(who)
        return true
      } catch (error) {
        assert.ok(isProblem(error, 'rate_limited') && error.retryAfter === 10)
        return false
      }
    }
    assert.deepEqual([taken('a'), taken('a'), taken('a'), taken('a'), taken('b')], [true, true, true, false, true])
    return clock.advance(10_000).then(() => assert.deepEqual([taken('a'), taken('a')], [true, false]))
  })
})

for (const database of databases) {
  describe(`webhooks, on ${database}`, () => {
    let api: ApiWorld
    let server: LocalServer
    const bodies: string[] = []
    let n = 0
    before(async () => {
      server = await startLocalServer((request, response) => {
        bodies.push(request.url ?? '')
        response.end('{}')
      })
      api = await openApiWorld({ database })
      await api.ask('POST', '/v1/credentials', { body: { name: 'api', kind: 'api_key', secret: 'CANARY-key', allowed_hosts: ['127.0.0.1'] } })
    })
    after(async () => {
      await api.close()
      await server.close()
    })

    const make = async () => {
      const made = await api.ask('POST', '/v1/actions', {
        body: { name: `hooked ${++n}`, kind: 'http_request', request: { credential: 'api', url: `http://127.0.0.1:${server.port}/{{ input.order }}` } },
      })
      const id = String(made.json.id)
      const { webhook, secret } = (await api.ask('POST', `/v1/actions/${id}/webhook`)).json as { webhook: { id: string; url: string }; secret: string }
      return { id, secret, path: new URL(webhook.url).pathname }
    }
    const call = async (path: string, secret: string, more: { id?: string; body?: string; at?: number; headers?: Record<string, string> } = {}) => {
      const { id = `msg_${++n}`, body = '{"order":"4711"}', at = Math.floor(api.services.clock.now() / 1000) } = more
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
      const signature = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`
      return await api.ask('POST', path, {
        key: null,
        raw: body,
        headers: { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signature, ...more.headers },
      })
    }
    const ended = async (runId: unknown) =>
      await until('the run', async () => {
        const { run } = await api.services.actionRuns.get(String(runId))
        return run.finishedAt === null ? null : run
      })

    it('run the action with the body as input', async () => {
      const { path, secret, id } = await make()
      const reply = await call(path, secret)
      assert.deepEqual([reply.status, reply.json.repeated], [202, false], reply.text)
      const run = await ended(reply.json.run)
      assert.deepEqual([run.status, run.trigger, run.action.id, run.orderedBy.name], ['done', 'webhook', id, `webhook of "${run.action.name}"`])
      assert.equal(bodies.at(-1), '/4711')
    })

    it('run once for each id, however often the call comes, also at the same moment', async () => {
      const { path, secret, id } = await make()
      const replies = await Promise.all(Array.from({ length: 8 }, () => call(path, secret, { id: 'msg_same' })))
      const again = await call(path, secret, { id: 'msg_same', body: '{"order":"other"}' })
      assert.deepEqual(new Set([...replies, again].map((reply) => `${reply.status} ${String(reply.json.run)}`)).size, 1)
      assert.equal(replies.filter((reply) => reply.json.repeated === false).length, 1)
      await ended(again.json.run)
      assert.equal((await api.services.actionRuns.list({ actionIds: [id] })).items.length, 1)
      // Without the way through HTTP between them: none has committed when the others look.
      const timestamp = String(Math.floor(api.services.clock.now() / 1000))
      const body = Buffer.from('{"order":"4712"}')
      const signed = { id: 'msg_close', timestamp, signature: sign(new Secret(secret), 'msg_close', timestamp, body), body }
      const taken = await Promise.all(
        Array.from({ length: 8 }, () =>
          api.services.actionHooks.receive(path.split('/').at(-1)!, signed, {
            address: null,
            parse: (bytes) => JSON.parse(bytes.toString()) as object as Record<string, unknown>,
          }),
        ),
      )
      assert.equal(new Set(taken.map((one) => one.runId)).size, 1)
      assert.equal(taken.filter((one) => !one.isRepeated).length, 1)
      await ended(taken[0]!.runId)
    })

    it('refuse what is not signed, too old, or for nobody, in the same words, and record it', async () => {
      const { path, secret, id } = await make()
      const other = await make()
      const same = (text: string) => text.replace(/req_\w+/g, 'ID')
      const refused = [
        await call(path, other.secret),
        await call(path, secret, { at: Math.floor(api.services.clock.now() / 1000) - 400 }),
        await call(path, secret, { headers: { 'webhook-signature': 'v1,AAAA' } }),
        await call(path, secret, { headers: { 'webhook-id': 'another' } }),
        await call('/hooks/hook_01kcw3x8000000000000000000', secret),
        await api.ask('POST', path, { key: null, raw: '{}' }),
        await api.ask('POST', path, { key: null }),
      ]
      for (const reply of refused) assert.deepEqual([reply.status, reply.json.code, same(reply.text)], [401, 'webhook_refused', same(refused[0]!.text)])
      assert.deepEqual((await api.services.actionRuns.list({ actionIds: [id] })).items, [])
      const { items } = await api.services.audit.list({ limit: 50 })
      const reasons = items.filter((item) => item.action === 'action.webhook_refused').map((item) => String(item.reason))
      assert.deepEqual([...new Set(reasons)].sort(), ['too_old', 'unknown', 'unsigned', 'wrong_signature'])
      assert.ok(!JSON.stringify(items).includes(secret.slice(6)))
    })

    it('take signed bodies only as they are: no other type, no list, no broken JSON', async () => {
      const { path, secret } = await make()
      assert.equal((await call(path, secret, { body: '[1]' })).json.code, 'malformed_json')
      assert.equal((await call(path, secret, { body: '{"order":' })).json.code, 'malformed_json')
      assert.equal((await call(path, secret, { body: `{"order":${'['.repeat(50)}${']'.repeat(50)}}` })).json.code, 'malformed_json')
      assert.equal((await call(path, secret, { headers: { 'content-type': 'text/plain' } })).json.code, 'unsupported_media_type')
      assert.equal((await call(path, secret, { body: `{"order":"${'x'.repeat(300_000)}"}` })).json.code, 'payload_too_large')
    })

    it('end when a new secret is made, when they are removed, and when the action is paused or deleted', async () => {
      const { path, secret, id } = await make()
      const { webhook, secret: newer } = (await api.ask('POST', `/v1/actions/${id}/webhook`)).json as { webhook: { url: string }; secret: string }
      const newPath = new URL(webhook.url).pathname
      assert.deepEqual([(await call(path, secret)).status, (await call(newPath, secret)).status, (await call(newPath, newer)).status], [401, 401, 202])
      const shown = await api.ask('GET', `/v1/actions/${id}`)
      assert.ok(shown.text.includes(newPath) && !shown.text.includes(newer.slice(6)))
      await api.ask('PATCH', `/v1/actions/${id}`, { body: { paused: true } })
      assert.equal((await call(newPath, newer)).json.code, 'action_paused')
      assert.equal((await api.ask('DELETE', `/v1/actions/${id}/webhook`)).status, 204)
      assert.equal((await call(newPath, newer)).status, 401)
      assert.equal((await api.ask('DELETE', `/v1/actions/${id}/webhook`)).status, 404)
    })

    it('P8: a flood of calls is held back before anything is looked up, and signed ones by their hook', async () => {
      const one = await openApiWorld({ database })
      try {
        const statuses = new Map<number, number>()
        for (let i = 0; i < 40; i++) {
          const replies = await Promise.all(
            Array.from({ length: 5 }, () => one.ask('POST', '/hooks/hook_01kcw3x8000000000000000000', { key: null, raw: '{}' })),
          )
          for (const { status } of replies) statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
        assert.ok((statuses.get(429) ?? 0) >= 60 && (statuses.get(401) ?? 0) <= 140, JSON.stringify([...statuses]))
      } finally {
        await one.close()
      }
    })
  })
}
