import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeActionBed, openActionsOver } from '../../test/action-world.ts'
import { until } from '../../test/mail-world.ts'
import { prepareRestored } from '../credentials/restored.ts'
import { databases, tester } from '../../test/world.ts'

for (const database of databases) {
  describe(`runs of actions, on ${database}`, () => {
    it('send the request that was saved, with the input, and give the answer back', async (t) => {
      const bed = await makeActionBed(t, { kind: database, environment: { SITE: 'berlin' } })
      bed.on.answer = (_, response) => void response.setHeader('content-type', 'application/json').end('{"id":42}')
      await bed.make(
        'order',
        bed.request({
          method: 'POST',
          url: `http://127.0.0.1:${bed.api.port}/orders/{{ input.customer }}`,
          headers: { 'x-site': '{{ env.SITE }}' },
          query: { day: '{{ input.day }}' },
          body: { kind: 'json', json: { items: '{{ input.items }}', note: 'for {{ input.customer }}' } },
        }),
      )
      const ran = await bed.run('order', { customer: 'a/b c', day: 'x&y=1', items: [1, 2] })
      assert.equal(ran.outcome, 'done', JSON.stringify(ran.run.problem))
      const [call] = bed.seen
      assert.equal(`${call!.method} ${call!.url}`, 'POST /orders/a%2Fb%20c?day=x%26y%3D1')
      assert.deepEqual([call!.headers['x-site'], JSON.parse(call!.body)], ['berlin', { items: [1, 2], note: 'for a/b c' }])
      assert.deepEqual([ran.result?.status, ran.result?.json], [200, { id: 42 }])
      const { run } = await bed.runs.get(ran.run.id)
      assert.deepEqual(
        [run.status, run.inputNames, run.responseStatus, run.attempts, run.orderedBy.id],
        ['done', ['customer', 'day', 'items'], 200, 1, 'key_test'],
      )
    })

    it('N4: send the token to no host that the credential does not list, whatever is saved, and values cannot change the host', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      const foreign = await makeActionBed(t)
      await bed.make('elsewhere', bed.request({ url: `http://localhost:${foreign.api.port}/x` }))
      const ran = await bed.run('elsewhere')
      assert.deepEqual([ran.outcome, ran.run.problem?.code], ['failed', 'destination_not_allowed'])
      for (const url of [
        'https://{{ input.host }}/',
        'https://api.example.org{{ input.rest }}',
        '{{ input.url }}',
        'https://u@api.example.org/',
        '//api.example.org/',
        'ftp://api.example.org/',
      ])
        await assert.rejects(
          bed.make('bad', bed.request({ url })),
          (error: { errors: { path: string }[] }) => error.errors.length === 1 && error.errors[0]!.path === 'request.url',
          url,
        )
      await bed.make('raw', bed.request({ url: `http://127.0.0.1:${bed.api.port}/a/{{ input.rest | raw }}/b` }))
      for (const rest of ['..', '../..', '.', '%2e%2e', '.%2E', 'x/../../y', '\\evil', 'a\r\nHost: evil', 'a b']) {
        const refused = await bed.run('raw', { rest })
        assert.equal(refused.run.problem?.code, 'template_failed', rest)
      }
      assert.equal((await bed.run('raw', { rest: 'x/y?q=1' })).outcome, 'done')
      assert.deepEqual([bed.seen.map((call) => call.url), foreign.seen], [['/a/x/y?q=1/b'], []])
    })

    it('let no value add a header, a recipient or a line', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      await bed.mail.sender()
      await bed.make('header', bed.request({ headers: { 'x-note': '{{ input.x }}' } }))
      assert.deepEqual([(await bed.run('header', { x: 'a\r\nX-Evil: 1' })).run.problem?.code, bed.seen.length], ['invalid_request', 0])
      await bed.make('mail', bed.email({ to: ['{{ input.to }}'], subject: 'Hello {{ input.name }}', headers: { 'X-Note': '{{ input.note }}' } }))
      const good = { to: 'bob@example.net', name: 'Bob', note: 'n' }
      for (const [field, value, code] of [
        ['to', 'bob@example.net, eve@example.net', 'template_failed'],
        ['to', 'bob@example.net\r\nBcc: eve@example.net', 'template_failed'],
        ['to', ['bob@example.net', 'x, eve@example.net'], 'template_failed'],
        ['name', 'Bob\r\nBcc: eve@example.net', 'mail_invalid'],
        ['note', 'n\nBcc: eve@example.net', 'mail_invalid'],
      ] as const)
        assert.equal((await bed.run('mail', { ...good, [field]: value })).run.problem?.code, code, String(value))
      assert.equal((await bed.mail.outbox.list({})).items.length, 0)
      const list = await bed.run('mail', { ...good, to: ['a@example.net', 'b@example.net'] })
      const message = await bed.mail.outbox.get(list.run.messageId!)
      assert.deepEqual(
        message.recipients.map((one) => one.address),
        ['a@example.net', 'b@example.net'],
      )
    })

    it('send a mail with text, HTML and an attachment, and wait for the mail server where that is asked for', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      await bed.mail.sender({ credential: await bed.mail.password() })
      await bed.make(
        'report',
        bed.email({
          subject: 'Report of {{ input.day }}',
          text: 'Total: {{ input.total }}',
          html: '<b>{{ input.note }}</b>',
          attachments: [{ filename: '{{ input.day }}.csv', contentType: 'text/csv', content: null, text: 'a;{{ input.total }}\n' }],
          until: 'sent',
        }),
      )
      const ran = await bed.run('report', { day: 'monday', total: 7, note: '<script>' })
      assert.deepEqual([ran.outcome, ran.result?.message?.status], ['done', 'sent'], JSON.stringify(ran.run.problem))
      const { data } = bed.mail.server.mails[0]!
      assert.match(data, /Subject: Report of monday/)
      assert.match(data, /Total: 7/)
      assert.match(data, /&#60;script&#62;|&#60;script/)
      assert.match(data, /filename=monday\.csv/)
      assert.ok(data.includes(Buffer.from('a;7\n').toString('base64')))
      bed.mail.server.on.rcpt = () => '550 5.1.1 no such user'
      const refused = await bed.run('report', { day: 'tuesday', total: 8, note: '' })
      assert.deepEqual([refused.outcome, refused.run.problem?.code], ['failed', 'mail_refused'])
    })

    it('fail by the ticks that are set, and note what does not count', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      bed.on.answer = (call, response) => void response.writeHead(Number(call.url.slice(-3))).end()
      const url = `http://127.0.0.1:${bed.api.port}/{{ input.status }}`
      const only = { anything: false, statuses: ['404', '5xx'], codes: ['template_failed'] }
      await bed.make('all', bed.request({ url }))
      await bed.make('some', bed.request({ url }, { failure: only }))
      const outcomes = async (name: string) => {
        const found: string[] = []
        for (const status of [200, 204, 301, 401, 404, 500, 503]) found.push((await bed.run(name, { status })).outcome)
        return found
      }
      assert.deepEqual(await outcomes('all'), ['done', 'done', 'failed', 'failed', 'failed', 'failed', 'failed'])
      assert.deepEqual(await outcomes('some'), ['done', 'done', 'done', 'done', 'failed', 'failed', 'failed'])
      const noted = await bed.run('some', { status: 401 })
      assert.deepEqual([noted.run.tolerated, noted.run.problem?.code, noted.run.responseStatus], [true, 'response_status', 401])
      assert.equal((await bed.run('some')).outcome, 'failed')
    })

    it('try again as often as they are told, with the pause between', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      bed.on.answer = (_, response, count) => void response.writeHead(count < 3 ? 500 : 200).end()
      const retries = { retries: 2, retryDelaySeconds: 1, report: null, run: null, continueWith: null }
      await bed.make('stubborn', bed.request({ method: 'POST' }, { onError: retries }))
      const started = performance.now()
      const ran = await bed.run('stubborn')
      assert.deepEqual([ran.outcome, ran.run.attempts, bed.seen.length, ran.run.problem], ['done', 3, 3, null])
      assert.ok(performance.now() - started >= 1900)
      bed.on.answer = (_, response) => void response.writeHead(500).end()
      assert.deepEqual(await bed.run('stubborn').then(({ outcome, run }) => [outcome, run.attempts]), ['failed', 3])
      // What is wrong with the text is wrong the next time as well.
      await bed.make('broken', bed.request({ url: `http://127.0.0.1:${bed.api.port}/{{ input.x }}` }, { onError: retries }))
      assert.deepEqual(await bed.run('broken').then(({ outcome, run }) => [outcome, run.attempts]), ['failed', 1])
    })

    it('send no second mail while the first one waits in the outbox', async (t) => {
      const bed = await makeActionBed(t, { kind: database, mailPatience: 200 })
      await bed.mail.sender({ credential: await bed.mail.password() })
      bed.mail.server.on.mail = () => '451 4.3.0 try again later'
      const onError = { retries: 2, retryDelaySeconds: 1, report: null, run: null, continueWith: null }
      await bed.make('letter', bed.email({ until: 'sent' }, { onError }))
      const ran = await bed.run('letter')
      assert.deepEqual([ran.outcome, ran.run.attempts, (await bed.mail.outbox.list({})).items.length], ['failed', 3, 1])
      bed.mail.server.on.mail = () => '550 5.7.1 never'
      const refused = await bed.run('letter')
      assert.deepEqual([refused.outcome, (await bed.mail.outbox.list({})).items.length], ['failed', 4])
    })

    it('do not keep whoever waits for a long pause: the jobs make the next attempt', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      bed.on.answer = (_, response, count) => void response.writeHead(count === 1 ? 503 : 200, { 'retry-after': '3000' }).end()
      const action = await bed.make(
        'patient',
        bed.request({ method: 'POST' }, { onError: { retries: 1, retryDelaySeconds: 600, report: null, run: null, continueWith: null } }),
      )
      const ran = await bed.run('patient')
      assert.deepEqual([ran.outcome, ran.run.status], ['waiting', 'waiting'])
      assert.ok(ran.run.nextAttemptAt! > bed.context.clock.now() + 2_900_000, 'the server asked for it')
      await assert.rejects(bed.actions.delete(action.id, tester), { code: 'in_use' })
      // As if the time had come.
      await bed.context.db.updateTable('action_runs').set({ next_attempt_at: bed.context.clock.now() }).execute()
      await bed.context.db.updateTable('jobs').set({ due_at: bed.context.clock.now() }).where('kind', '=', 'action_run').execute()
      bed.jobs.wake()
      await until('the second attempt', async () => (await bed.runs.get(ran.run.id)).run.status === 'done')
      assert.equal(bed.seen.length, 2)
    })

    it('lead to other actions: after a success, beside because of an error, and further in spite of it', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      await bed.mail.sender()
      bed.on.answer = (call, response) =>
        void response.writeHead(call.url.startsWith('/bad') ? 500 : 200, { 'content-type': 'application/json' }).end(`{"of":"${call.url}"}`)
      const at = (path: string) => ({ url: `http://127.0.0.1:${bed.api.port}${path}` })
      const last = await bed.make('last', bed.request(at('/last?{{ previous.action }}={{ previous.json.of }}&{{ input.x }}')))
      const aside = await bed.make('clean up', bed.request(at('/bad/clean-up?{{ previous.problem.code }}')))
      const other = await bed.make('other way', bed.request(at('/other?{{ previous.outcome }}'), { next: last.id }))
      await bed.make('good', bed.request(at('/good'), { next: last.id }))
      await bed.make(
        'bad',
        bed.request(at('/bad'), {
          onError: { retries: 0, retryDelaySeconds: 60, report: { to: ['boss@example.net'] }, run: aside.id, continueWith: other.id },
        }),
      )
      const good = await bed.run('good', { x: '1' })
      assert.deepEqual(
        [good.outcome, good.followed.map((run) => run.action.name), (good.result!.json as { of: string }).of],
        ['done', ['last'], '/last?good=%2Fgood&1'],
      )
      bed.seen.length = 0
      const bad = await bed.run('bad', { x: '2' })
      assert.deepEqual(
        bed.seen.map((call) => call.url),
        ['/bad', '/bad/clean-up?response_status', '/other?failed', '/last?other%20way=%2Fother%3Ffailed&2'],
      )
      assert.deepEqual(
        [bad.outcome, bad.run.status, bad.followed.map((run) => `${run.action.name} ${run.status} ${run.aside}`)],
        ['done', 'failed', ['clean up failed true', 'other way done false', 'last done false']],
      )
      assert.deepEqual(
        bad.followed.map((run) => [run.root, run.trigger]),
        [
          [bad.run.id, 'action'],
          [bad.run.id, 'action'],
          [bad.run.id, 'action'],
        ],
      )
      const [mail] = (await bed.mail.outbox.list({})).items
      assert.deepEqual([mail!.recipients[0]!.address, mail!.subject], ['boss@example.net', 'The action "bad" failed'])
    })

    it('never go round in a circle, and no chain is without end', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      const first = await bed.make('first', bed.request())
      const second = await bed.make('second', bed.request({}, { next: first.id }))
      const third = await bed.make(
        'third',
        bed.request({}, { onError: { retries: 0, retryDelaySeconds: 60, report: null, run: second.id, continueWith: null } }),
      )
      for (const target of [first.id, second.id, third.id])
        await assert.rejects(
          bed.actions.change(first.id, { definition: bed.request({}, { next: target }) }, tester, 1),
          (error: { errors: { path: string; message: string }[] }) => error.errors.some(({ path, message }) => path === 'next' && /leads back/.test(message)),
        )
      let before = third.id
      for (let i = 3; i < 10; i++) before = (await bed.make(`a${i}`, bed.request({}, { next: before }))).id
      await assert.rejects(bed.make('too long', bed.request({}, { next: before })), { code: 'invalid_request' })
      // Two that were saved at the same moment on two nodes, each leading to the other: nothing saw them together.
      await bed.context.db
        .updateTable('actions')
        .set({ definition: await sealed(bed, first.id, bed.request({}, { next: second.id })) })
        .where('id', '=', first.id)
        .execute()
      const ran = await bed.run('first')
      assert.deepEqual([ran.outcome, ran.followed.length, ran.followed.at(-1)?.problem?.code], ['failed', 10, 'action_chain_too_long'])
      assert.equal(bed.seen.length, 10)
    })

    it('are done after a crash when they were accepted, and say so when they were cut off', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      await bed.mail.sender()
      await bed.make('get', bed.request())
      await bed.make('post', bed.request({ method: 'POST' }))
      await bed.make('mail', bed.email())
      // No node works on jobs, as if it had died in this moment.
      await bed.stop()
      const node = await openActionsOver({ ...bed.context, bus: bed.mail.context.bus })
      await node.jobs.stop()
      const ids: Record<string, string> = {}
      for (const name of ['get', 'post', 'mail']) ids[name] = (await node.runs.run(name, { input: {}, trigger: 'api', wait: false }, tester)).run.id
      const cut = { status: 'running', lease: 'lease_of_the_dead', lease_until: bed.context.clock.now() - 1, attempts: 1 }
      for (const name of ['get', 'post']) ids[`cut ${name}`] = (await node.runs.run(name, { input: {}, trigger: 'api', wait: false }, tester)).run.id
      ids['cut awaited get'] = (await node.runs.run('get', { input: {}, trigger: 'api', wait: false }, tester)).run.id
      for (const name of ['cut get', 'cut post', 'cut awaited get'])
        await bed.context.db
          .updateTable('action_runs')
          .set({ ...cut, is_awaited: name.includes('awaited') ? 1 : 0 })
          .where('id', '=', ids[name]!)
          .execute()
      await bed.context.db.deleteFrom('jobs').where('subject', '=', ids['cut awaited get']).execute()
      await node.runs.stop()
      const next = await openActionsOver({ ...bed.context, bus: bed.mail.context.bus })
      const ended = async (name: string) =>
        await until(name, async () => {
          const { run } = await next.runs.get(ids[name]!)
          return run.finishedAt === null ? null : run
        })
      for (const name of ['get', 'post', 'mail', 'cut get']) assert.equal((await ended(name)).status, 'done', name)
      for (const name of ['cut post', 'cut awaited get']) {
        const run = await ended(name)
        assert.deepEqual([run.status, run.problem?.code], ['interrupted', 'action_interrupted'], name)
      }
      assert.deepEqual(bed.seen.map((call) => call.method).sort(), ['GET', 'GET', 'POST'])
      const { items } = await bed.context.audit.list({ limit: 50 })
      assert.ok(items.some((item) => item.action === 'action.run' && item.outcome === 'failed' && item.reason === 'action_interrupted'))
      await next.stop()
    })

    it('that had not ended at a backup do not begin again when it is restored', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      await bed.make('post', bed.request({ method: 'POST' }))
      await bed.jobs.stop()
      const { run } = await bed.runs.run('post', { input: {}, trigger: 'api', wait: false }, tester)
      await prepareRestored(bed.context.clock.now())(bed.context.db, { madeAt: bed.context.clock.now() - 86_400_000, size: 1 }, null)
      const next = await openActionsOver({ ...bed.context, bus: bed.mail.context.bus })
      const { status, problem } = (await next.runs.get(run.id)).run
      assert.deepEqual([status, problem?.code], ['interrupted', 'action_interrupted'])
      assert.match(problem!.message, /at the backup of 20/)
      const [job] = await bed.context.db.selectFrom('jobs').selectAll().where('kind', '=', 'action_run').execute()
      assert.deepEqual([job, bed.seen.length], [undefined, 0])
      await next.stop()
    })

    it('are made by one of several nodes, whoever looks first', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      const parts = { ...bed.context, bus: bed.mail.context.bus }
      const others = [await openActionsOver(parts), await openActionsOver(parts)]
      await bed.make('post', bed.request({ method: 'POST', url: `http://127.0.0.1:${bed.api.port}/{{ input.n }}` }))
      const runs = await Promise.all(
        Array.from({ length: 30 }, async (_, n) => (await bed.runs.run('post', { input: { n }, trigger: 'api', wait: false }, tester)).run.id),
      )
      for (const node of others) node.jobs.wake()
      await until('all have ended', async () => {
        const states = await Promise.all(runs.map(async (id) => (await bed.runs.get(id)).run.status))
        return states.every((status) => status === 'done')
      })
      assert.deepEqual([bed.seen.length, new Set(bed.seen.map((call) => call.url)).size], [30, 30])
      for (const node of others) await node.stop()
    })

    it('are forgotten after their time, and leave no value in trail, events, log or table', async (t) => {
      const bed = await makeActionBed(t, { kind: database, keepRuns: 1000 })
      bed.on.answer = (_, response) => void response.writeHead(500).end('CANARY-answer')
      await bed.mail.sender()
      await bed.make('mail', bed.email({ text: '{{ input.x }}', subject: 'CANARY-free' }))
      await bed.make('get', bed.request({ headers: { 'x-a': '{{ input.x }}' }, url: `http://127.0.0.1:${bed.api.port}/{{ input.x }}` }))
      await bed.make('fails', bed.request({ url: `http://127.0.0.1:${bed.api.port}/{{ input.zip }}{{ input.x }}` }))
      for (const name of ['mail', 'get', 'fails']) await bed.run(name, { x: 'CANARY-value' })
      const trail = JSON.stringify((await bed.context.audit.list({ limit: 100 })).items)
      const events = JSON.stringify(await bed.context.db.selectFrom('events').select('data').execute())
      const table = JSON.stringify(await bed.context.db.selectFrom('action_runs').selectAll().execute())
      for (const text of [trail, events, table, bed.mail.world.log.join('\n')]) assert.ok(!/CANARY-(?:value|answer|key)/.test(text))
      assert.equal((await bed.runs.list({})).items.length, 3)
      await bed.context.db.updateTable('action_runs').set({ finished_at: 1 }).execute()
      await bed.context.db.updateTable('jobs').set({ due_at: 0 }).where('kind', '=', 'action_runs_swept').execute()
      bed.jobs.wake()
      await until('the runs are forgotten', async () => (await bed.runs.list({})).items.length === 0)
    })
  })
}

type Bed = Awaited<ReturnType<typeof makeActionBed>>
const sealed = async ({ context: { vault, db } }: Bed, id: string, definition: object) => {
  const { dataKeysOf } = await import('../storage/data-keys.ts')
  return await vault.seal(dataKeysOf(db), { owner: id, column: 'actions.definition' }, JSON.stringify(definition))
}
