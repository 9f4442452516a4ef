import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, signInAs, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { startLocalServer, type LocalServer } from '../../test/local-server.ts'
import { databases } from '../../test/world.ts'

type Item = { id: string; name: string; revision: number; email?: unknown; request?: { url: string } | null; last_run: { status: string } | null }

for (const database of databases) {
  describe(`saved actions over the API, on ${database}`, () => {
    let api: ApiWorld
    let server: LocalServer
    let credential = ''
    let n = 0
    before(async () => {
      server = await startLocalServer((_, response) => void response.setHeader('content-type', 'application/json').end('{"ok":true}'))
      api = await openApiWorld({ database })
      const made = await api.ask('POST', '/v1/credentials', { body: { name: 'api', kind: 'api_key', secret: 'CANARY-key', allowed_hosts: ['127.0.0.1'] } })
      credential = String(made.json.id)
      await api.ask('POST', '/v1/senders', { body: { name: 'office', host: '127.0.0.1', port: 2525, tls: 'none', mechanism: 'none', from: 'a@example.org' } })
    })
    after(async () => {
      await api.close()
      await server.close()
    })

    const body = (more: object = {}) => ({
      name: `action ${++n}`,
      kind: 'http_request',
      request: { credential: 'api', url: `http://127.0.0.1:${server.port}/x` },
      ...more,
    })
    const make = async (more: object = {}, ask: Ask = {}) => {
      const reply = await api.ask('POST', '/v1/actions', { ...ask, body: body(more) })
      assert.equal(reply.status, 201, reply.text)
      return reply.json as unknown as Item
    }

    it('are made, shown, changed with If-Match, listed by page and deleted', async () => {
      const reply = await api.ask('POST', '/v1/actions', { body: body({ name: 'Fetch', description: 'd', next: null }) })
      assert.deepEqual([reply.status, reply.headers.etag, reply.headers.location], [201, '"r1"', `/v1/actions/${String(reply.json.id)}`])
      assert.equal((await api.ask('POST', '/v1/actions', { body: body({ name: 'fetch' }) })).json.code, 'name_taken')
      const shown = await api.ask('GET', '/v1/actions/FETCH')
      assert.deepEqual(
        [shown.headers.etag, (shown.json.request as { method: string }).method, shown.json.failure],
        ['"r1"', 'GET', { anything: true, statuses: [], codes: [] }],
      )
      const changed = await api.ask('PATCH', '/v1/actions/fetch', { body: { on_error: { retries: 2 } }, headers: { 'if-match': '"r1"' } })
      assert.deepEqual([changed.status, changed.json.revision, (changed.json.request as { url: string }).url], [200, 2, `http://127.0.0.1:${server.port}/x`])
      assert.equal((await api.ask('PATCH', '/v1/actions/fetch', { body: { paused: true }, headers: { 'if-match': '"r1"' } })).json.code, 'changed_meanwhile')
      for (let i = 0; i < 3; i++) await make()
      const first = await api.ask('GET', '/v1/actions?limit=2')
      const second = await api.ask('GET', `/v1/actions?limit=2&cursor=${encodeURIComponent(String(first.json.next))}`)
      const names = [...(first.json.items as Item[]), ...(second.json.items as Item[])].map((item) => item.name)
      assert.deepEqual([names.length, new Set(names).size, second.json.next], [4, 4, null])
      assert.ok((first.json.items as Item[]).every((item) => item.request === undefined))
      assert.equal((await api.ask('DELETE', '/v1/actions/fetch')).status, 204)
      assert.equal((await api.ask('GET', '/v1/actions/fetch')).status, 404)
    })

    it('are refused with the field that is wrong', async () => {
      const wrong = async (more: object) => {
        const reply = await api.ask('POST', '/v1/actions', { body: body(more) })
        assert.ok(reply.status >= 400, JSON.stringify(more))
        return ((reply.json.errors ?? []) as { path: string }[]).map((error) => error.path)
      }
      const at = `http://127.0.0.1:${server.port}`
      assert.deepEqual(await wrong({ request: { credential: 'api', url: `${at}/{{ input.x | nope }}` } }), ['request.url'])
      assert.deepEqual(await wrong({ request: { credential: 'api', url: `${at}/`, headers: { 'x-a': '{% include "x" %}' } } }), ['request.headers.x-a'])
      assert.deepEqual(await wrong({ request: { credential: 'nobody', url: `${at}/` } }), ['request.credential'])
      assert.deepEqual(await wrong({ next: 'nothing' }), ['next'])
      assert.deepEqual(await wrong({ failure: { statuses: ['6xx'], codes: ['nope'] } }), ['failure.statuses.0', 'failure.codes.0'])
      assert.deepEqual(await wrong({ kind: 'send_email' }), ['email', 'request'].slice(0, 1))
      assert.deepEqual(await wrong({ kind: 'send_email', request: undefined, email: { subject: 's', text: 't' } }), ['email.to'])
      assert.deepEqual(await wrong({ kind: 'send_email', request: undefined, email: { to: ['a@b.c'], subject: 's', text: 't', sender: 'nobody' } }), [
        'email.sender',
      ])
      assert.deepEqual(await wrong({ name: 'act_x' }), ['name'])
    })

    it('run, with the result in the reply, once for an Idempotency-Key, and in the background with 202', async () => {
      const { id } = await make()
      const headers = { 'idempotency-key': `key-${database}` }
      const before = server.requests.length
      const first = await api.ask('POST', `/v1/actions/${id}/run`, { body: { input: { a: 1 } }, headers })
      const again = await api.ask('POST', `/v1/actions/${id}/run`, { body: { input: { a: 1 } }, headers })
      assert.equal(first.status, 200, first.text)
      assert.deepEqual([first.json.outcome, (first.json.result as { json: unknown }).json, first.headers['cache-control']], ['done', { ok: true }, 'no-store'])
      assert.deepEqual([again.text, again.headers['idempotent-replayed'], server.requests.length], [first.text, 'true', before + 1])
      const later = await api.ask('POST', `/v1/actions/${id}/run`, { body: { wait: false } })
      assert.deepEqual([later.status, later.json.outcome, later.json.result], [202, 'queued', null])
      const listed = await api.ask('GET', `/v1/action-runs?action=${id}&limit=1`)
      assert.equal((listed.json.items as { id: string }[])[0]!.id, (later.json.run as { id: string }).id)
      assert.ok(listed.json.next)
      assert.equal((await api.ask('GET', String(first.headers.location))).status, 200)
      assert.ok(['queued', 'running', 'done'].includes(((await api.ask('GET', `/v1/actions/${id}`)).json as unknown as Item).last_run?.status ?? ''))
    })

    it('Z7: a key runs the actions that it names and sees no other, nor what they do', async () => {
      const mine = await make()
      const theirs = await make()
      const key = await api.makeKey({ permissions: [], actions: [mine.id] })
      assert.equal((await api.ask('POST', `/v1/actions/${mine.id}/run`, { key })).status, 200)
      const shown = (await api.ask('GET', `/v1/actions/${mine.id}`, { key })).json as unknown as Item
      assert.deepEqual([shown.name, shown.request], [mine.name, undefined])
      const foreign = await api.ask('POST', `/v1/actions/${theirs.id}/run`, { key })
      const unknown = await api.ask('POST', '/v1/actions/act_01kcw3x8000000000000000000/run', { key })
      assert.deepEqual([foreign.status, unknown.status], [404, 404])
      assert.equal(
        foreign.text.replace(theirs.id, 'ID').replace(/req_\w+/, ''),
        unknown.text.replace('act_01kcw3x8000000000000000000', 'ID').replace(/req_\w+/, ''),
      )
      await api.ask('POST', `/v1/actions/${theirs.id}/run`)
      assert.deepEqual(
        ((await api.ask('GET', '/v1/actions', { key })).json.items as Item[]).map((item) => item.id),
        [mine.id],
      )
      const runs = (await api.ask('GET', '/v1/action-runs', { key })).json.items as { id: string; action: { id: string } }[]
      assert.ok(runs.length > 0 && runs.every((run) => run.action.id === mine.id))
      const others = ((await api.ask('GET', `/v1/action-runs?action=${theirs.id}`)).json.items as { id: string }[])[0]!
      assert.equal((await api.ask('GET', `/v1/action-runs/${others.id}`, { key })).status, 404)
      for (const [method, path] of [
        ['POST', '/v1/actions'],
        ['PATCH', `/v1/actions/${mine.id}`],
        ['DELETE', `/v1/actions/${mine.id}`],
      ] as const)
        assert.equal((await api.ask(method, path, { key, ...(method === 'DELETE' ? {} : { body: method === 'POST' ? body() : {} }) })).status, 403, method)
    })

    it('Z7: nobody makes an action that does what he may not do himself, nor a key that runs what he may not run', async () => {
      const manager = await api.makeKey({ permissions: [], administration: ['manage'] })
      const attempt = async (more: object) => (await api.ask('POST', '/v1/actions', { key: manager, body: body(more) })).json.code
      assert.equal(await attempt({}), 'not_allowed')
      assert.equal(await attempt({ kind: 'send_email', request: undefined, email: { to: ['a@b.c'], subject: 's', text: 't' } }), 'not_allowed')
      assert.equal(
        await attempt({ kind: 'send_email', request: undefined, email: { sender: 'office', to: ['a@b.c'], subject: 's', text: 't' } }),
        'not_allowed',
      )
      const { id } = await make()
      const to = (change: object) => api.ask('PATCH', `/v1/actions/${id}`, { key: manager, body: change })
      assert.equal((await to({ request: { credential: 'api', url: `http://127.0.0.1:${server.port}/other` } })).json.code, 'not_allowed')
      assert.equal((await to({ failure: { anything: false } })).json.code, 'not_allowed')
      assert.equal((await to({ description: 'may do that' })).status, 200)
      assert.equal((await api.ask('POST', `/v1/actions/${id}/run`, { key: manager })).json.code, 'not_allowed')
      assert.equal(
        (await api.ask('PUT', `/v1/actions/${id}/schedule`, { key: manager, body: { cron: '0 7 * * *', time_zone: 'UTC' } })).json.code,
        'not_allowed',
      )
      assert.equal((await api.ask('POST', `/v1/actions/${id}/webhook`, { key: manager })).json.code, 'not_allowed')
      const able = await api.makeKey({ permissions: [{ credential, rights: ['request'] }], administration: ['manage'] })
      assert.equal((await api.ask('POST', '/v1/actions', { key: able, body: body() })).status, 201)
      assert.equal((await api.ask('POST', '/v1/actions', { key: able, body: body({ next: id }) })).json.code, 'not_allowed')
      const keeper = await api.makeKey({ permissions: [], administration: ['keys'], actions: [id] })
      const give = async (actions: string[]) =>
        (await api.ask('POST', '/v1/access-keys', { key: keeper, body: { name: `k ${++n}`, permissions: [], actions } })).status
      assert.deepEqual([await give([id]), await give(['*'])], [201, 403])
    })

    it('tell the next times of a schedule before it is set, and what is wrong with it', async () => {
      const { id } = await make()
      const body = { cron: '0 7 * * 1-5', time_zone: 'Europe/Berlin' }
      const preview = (cron: string, zone: string) =>
        api.ask('GET', `/v1/action-schedules/preview?cron=${encodeURIComponent(cron)}&time_zone=${encodeURIComponent(zone)}`)
      const told = (await preview(body.cron, body.time_zone)).json.times as string[]
      assert.deepEqual([told.length, told], [3, [...told].sort()])
      assert.equal((await api.ask('GET', `/v1/actions/${id}`)).json.schedule, null)
      assert.equal((await api.ask('PUT', `/v1/actions/${id}/schedule`, { body })).json.next_due_at, told[0])
      const wrong = async (cron: string, zone: string) => ((await preview(cron, zone)).json.errors as { path: string }[]).map(({ path }) => path)
      assert.deepEqual([await wrong('0 0 30 2 *', 'UTC'), await wrong('0 7 * * *', 'Nowhere/Else')], [['cron'], ['time_zone']])
    })

    it('are run and managed by managers, and neither seen nor run by viewers', async () => {
      const { id } = await make()
      for (const [role, status] of [
        ['administrator', 200],
        ['manager', 200],
        ['viewer', 403],
      ] as const) {
        const cookie = await signInAs(api, role)
        assert.equal((await api.ask('POST', `/v1/actions/${id}/run`, { key: null, headers: { cookie } })).status, status, role)
      }
    })

    it('show what they would send with some input, saved or not, and send and keep nothing', async () => {
      const email = {
        sender: 'office',
        to: ['{{ input.to }}'],
        bcc: ['c@example.org'],
        subject: 'Report of {{ input.day }}',
        text: 'Hello {{ input.name | default: "you" }}',
        html: '<p>{{ input.day }}</p>',
        attachments: [{ filename: '{{ input.day }}.csv', text: 'a;b' }],
      }
      const { id, name } = await make({ kind: 'send_email', request: undefined, email })
      const shown = await api.ask('POST', '/v1/action-previews', { body: { action: name, input: { to: 'b@example.org', day: '<Monday>' } } })
      assert.equal(shown.status, 200, shown.text)
      const mail = shown.json.email as Record<string, unknown>
      assert.deepEqual(
        [mail.from, mail.to, mail.recipients, mail.subject, mail.text, mail.html],
        ['a@example.org', ['b@example.org'], ['b@example.org', 'c@example.org'], 'Report of <Monday>', 'Hello you', '<p>&#60;Monday&#62;</p>'],
      )
      assert.deepEqual(mail.attachments, [{ filename: '<Monday>.csv', content_type: null, size: 3 }])
      const changed = await api.ask('POST', '/v1/action-previews', {
        body: { action: id, email: { ...email, subject: 'Now {{ previous.status }}' }, input: { to: 'b@example.org', day: 'x' }, previous: { status: 200 } },
      })
      assert.equal((changed.json.email as { subject: string }).subject, 'Now 200')
      const request = {
        credential: 'api',
        url: `http://127.0.0.1:${server.port}/a/{{ input.day }}`,
        query: { q: 'x y' },
        body: { json: { day: '{{ input.day }}' } },
      }
      const unsaved = await api.ask('POST', '/v1/action-previews', { body: { request, input: { day: 'a/b' } } })
      assert.deepEqual(unsaved.json.request, {
        method: 'POST',
        url: `http://127.0.0.1:${server.port}/a/a%2Fb?q=x+y`,
        headers: { 'content-type': 'application/json' },
        body: '{"day":"a/b"}',
      })
      // Mistakes are those of a run.
      for (const [body, status, code] of [
        [{ action: name, input: { to: 'b@example.org' } }, 409, 'template_failed'],
        [{ action: name, input: { to: 'nobody', day: 'x' } }, 400, 'mail_invalid'],
        [{ email: { ...email, text: '{{ ' } }, 400, 'invalid_request'],
        [{ email: { ...email, sender: 'none' } }, 404, 'not_found'],
        [{}, 400, 'invalid_request'],
        [{ action: 'none' }, 404, 'not_found'],
      ] as const) {
        const refused = await api.ask('POST', '/v1/action-previews', { body })
        assert.deepEqual([refused.status, refused.json.code], [status, code], refused.text)
        if (code === 'mail_invalid') assert.match(refused.text, /nobody\\" is not a mail address/)
      }
      const after = (await api.ask('GET', `/v1/actions/${id}`)).json as unknown as Item
      assert.deepEqual([(await api.ask('GET', '/v1/mail/messages')).json.items, after.last_run], [[], null])
      await api.ask('DELETE', `/v1/actions/${id}`)
    })

    it('are not shown with what their maker may not use himself', async () => {
      const key = await api.makeKey({ permissions: [], administration: ['manage'] })
      const request = { credential: 'api', url: `http://127.0.0.1:${server.port}/` }
      assert.equal((await api.ask('POST', '/v1/action-previews', { key, body: { request } })).json.code, 'not_allowed')
      assert.equal(
        (await api.ask('POST', '/v1/action-previews', { key, body: { email: { to: ['b@example.org'], subject: 's', text: 't' } } })).json.code,
        'not_allowed',
      )
    })

    it('keep their credential and their sender from being deleted, and are named by the credential', async () => {
      const { name } = await make()
      await make({ kind: 'send_email', request: undefined, email: { sender: 'office', to: ['a@b.c'], subject: 's', text: 't' }, name: 'letter' })
      const refused = await api.ask('DELETE', '/v1/credentials/api')
      assert.deepEqual([refused.status, refused.json.code], [409, 'in_use'])
      assert.match(String(refused.json.detail), new RegExp(`used by the action .*"${name}"`))
      assert.match(String((await api.ask('DELETE', '/v1/senders/office')).json.detail), /used by the action "letter"/)
      const used = (await api.ask('GET', '/v1/credentials/api')).json.used_by as { actions: { name: string }[] }
      assert.ok(used.actions.some((one) => one.name === name))
      const led = await make({ next: name })
      const inUse = await api.ask('DELETE', `/v1/actions/${encodeURIComponent(name)}`)
      assert.match(String(inUse.json.detail), new RegExp(`what "${led.name}" leads to`))
    })
  })
}
