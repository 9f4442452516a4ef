import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

type Heard = { id: string | undefined; event: string | undefined; data: Record<string, unknown> }

describe('the stream of events', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
  })
  after(() => api.close())

  const make = async (name: string) => String((await api.ask('POST', '/v1/credentials', { body: { name, kind: 'api_key', secret: 'CANARY-secret' } })).json.id)

  /** Listens until enough was heard, then goes away. */
  async function listen(
    key: string,
    more: { after?: string; query?: string; until: (heard: Heard[]) => boolean; started?: () => Promise<unknown> },
  ): Promise<Heard[]> {
    const away = new AbortController()
    const timer = setTimeout(() => away.abort(new Error('nothing more was heard')), 3000)
    const response = await fetch(`http://127.0.0.1:${api.port}/v1/events${more.query ?? ''}`, {
      headers: { authorization: `Bearer ${key}`, ...(more.after === undefined ? {} : { 'last-event-id': more.after }) },
      signal: away.signal,
    })
    assert.equal(response.status, 200, await (response.status === 200 ? '' : response.text()))
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    const heard: Heard[] = []
    let text = ''
    let begun = false
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        if (!begun) {
          begun = true
          await more.started?.()
        }
        text += chunk
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const fields = new Map(
            text
              .slice(0, end)
              .split('\n')
              .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
          )
          text = text.slice(end + 2)
          if (fields.has('data'))
            heard.push({ id: fields.get('id'), event: fields.get('event'), data: JSON.parse(fields.get('data')!) as Record<string, unknown> })
        }
        if (more.until(heard)) break
      }
    } finally {
      clearTimeout(timer)
      away.abort()
    }
    return heard
  }

  it('tells what happens from now on, with numbers, and never a secret', async () => {
    const heard = await listen(api.ownerKey, {
      until: (all) => all.length >= 2,
      started: async () => {
        await make('one')
        await make('two')
      },
    })
    assert.deepEqual(
      heard.map((one) => one.event),
      ['credential.created', 'credential.created'],
    )
    assert.equal(Number(heard[1]!.id), Number(heard[0]!.id) + 1)
    assert.doesNotMatch(JSON.stringify(heard), /CANARY/)
  })

  it('tells what was missed since the last event, each once and in order', async () => {
    const before = await api.services.events.last()
    for (let i = 0; i < 5; i++) await make(`missed ${i}`)
    const heard = await listen(api.ownerKey, {
      after: String(before),
      until: (all) => all.length >= 6,
      started: async () => {
        await make('live')
      },
    })
    assert.deepEqual(
      heard.map((one) => Number(one.id)),
      [1, 2, 3, 4, 5, 6].map((n) => before + n),
    )
  })

  it('says so when too much was missed', async () => {
    const heard = await listen(api.ownerKey, { after: '999999', until: (all) => all.length >= 1 })
    assert.equal(heard[0]!.event, 'reset')
  })

  it('tells a key only of what it may read', async () => {
    const mine = await make('mine')
    const key = await api.makeKey({ permissions: [{ credential: mine, rights: ['read'] }] })
    const heard = await listen(key, {
      until: (all) => all.some((one) => one.event === 'credential.paused'),
      started: async () => {
        const theirs = await make('theirs')
        await api.ask('POST', `/v1/credentials/${theirs}/pause`)
        await api.ask('POST', '/v1/registrations', {
          body: {
            name: 'r',
            provider: 'generic',
            client_id: 'c',
            placeholders: { token_endpoint: 'http://127.0.0.1:9/t', authorization_endpoint: 'http://127.0.0.1:9/a' },
          },
        })
        await api.makeKey({ permissions: [{ credential: mine, rights: ['read'] }] })
        await api.ask('POST', `/v1/credentials/${mine}/pause`)
      },
    })
    assert.deepEqual(
      heard.map((one) => [one.event, one.data.subject]),
      [['credential.paused', mine]],
    )
  })

  it('tells everybody that this node missed events, without a number to go on from', async () => {
    const mine = await make('of one who missed')
    const heard = await listen(await api.makeKey({ permissions: [{ credential: mine, rights: ['read'] }] }), {
      until: (all) => all.some((one) => one.event === 'credential.paused'),
      started: async () => {
        api.world.context.bus.publish({ seq: 0, at: 0, type: 'events.missed', subject: null, data: {} })
        await new Promise((done) => setTimeout(done, 50))
        await api.ask('POST', `/v1/credentials/${mine}/pause`)
      },
    })
    assert.deepEqual(
      heard.map((one) => [one.event, one.id === undefined]),
      [
        ['events.missed', true],
        ['credential.paused', false],
      ],
    )
  })

  it('can be asked for some kinds only', async () => {
    const heard = await listen(api.ownerKey, {
      query: '?type=credential.paused,credential.resumed',
      until: (all) => all.length >= 1,
      started: async () => {
        const id = await make('kinds')
        await api.ask('POST', `/v1/credentials/${id}/pause`)
      },
    })
    assert.equal(heard[0]!.event, 'credential.paused')
    assert.equal((await api.ask('GET', '/v1/events?type=nonsense')).status, 400)
    assert.equal((await api.ask('GET', '/v1/events', { headers: { 'last-event-id': 'x' } })).status, 400)
  })

  it('leaves nothing behind when a listener goes away', async () => {
    await listen(api.ownerKey, { until: (all) => all.length >= 1, started: () => make('last') })
    await new Promise((done) => setTimeout(done, 50))
    await make('nobody listens')
  })
})
