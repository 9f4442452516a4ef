import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { addApp, makeService, type TestService } from '../service.ts'
import { startFakeProvider, type FakeProvider } from '../world.ts'

/** So many callbacks and as many sign-ins are sent every second, whatever becomes of them. */
const perSecond = 1000
const seconds = process.env.KEYBEARER_TEST_CHAOS === 'whole' ? 30 : 4
/** A hand-out that takes longer is late for whoever waits for it. The machine that answers also makes the flood. */
const longestHandOut = 3000

type Told = { status: number; milliseconds: number }

describe('a flood of calls', () => {
  let service: TestService
  let fake: FakeProvider
  const flood = new Agent({ keepAlive: true, maxSockets: 200 })
  const own = new Agent({ keepAlive: true, maxSockets: 4 })

  before(async () => {
    fake = await startFakeProvider()
    // The addresses behind a proxy are believed, so that the flood can come from everywhere at once.
    service = await makeService({ KEYBEARER_TRUSTED_PROXIES: '127.0.0.1/32', KEYBEARER_LOG_LEVEL: 'warn' })
    await service.start()
    await addApp(service, [`token_endpoint=${fake.url}/token`])
    await service.get('add', 'robot', '--registration', 'app', '--grant', 'client_credentials')
  })
  after(async () => {
    flood.destroy()
    own.destroy()
    await service.remove()
    await fake.close()
  })

  const call = (agent: Agent, method: string, path: string, headers: Record<string, string>, body = ''): Promise<Told> =>
    new Promise((done) => {
      const started = performance.now()
      const end = (status: number) => done({ status, milliseconds: performance.now() - started })
      const sent = request(`${service.url}${path}`, { agent, method, headers }, (response) => {
        response.resume()
        response.once('end', () => end(response.statusCode ?? 0))
      })
      sent.once('error', () => end(0))
      // Of the flood nobody waits for an answer.
      if (agent === own) sent.setTimeout(2 * longestHandOut, () => sent.destroy())
      sent.end(body)
    })
  const json = { 'content-type': 'application/json' }
  const somewhere = () => `198.51.${Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}`
  const wrongCallback = () => call(flood, 'GET', `/oauth/callback/reg_x?state=${randomBytes(16).toString('hex')}&code=c`, { 'x-forwarded-for': somewhere() })
  const wrongSignIn = () =>
    call(
      flood,
      'POST',
      '/v1/session',
      { ...json, 'x-forwarded-for': somewhere() },
      JSON.stringify({ name: `n${Math.random()}`, password: 'not the right one at all' }),
    )

  it('P8: 1,000 callbacks and 1,000 sign-ins a second, from everywhere, leave hand-outs below their time limit', { timeout: 180_000 }, async () => {
    const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
    const handOut = () => call(own, 'POST', '/v1/credentials/robot/token', { ...json, authorization: `Bearer ${key}` }, '{}')
    assert.equal((await handOut()).status, 200)

    const answers: Promise<Told>[] = []
    const handOuts: Told[] = []
    const until = performance.now() + seconds * 1000
    let sent = 0
    const started = performance.now()
    const sending = (async () => {
      while (performance.now() < until) {
        // As many as are due by now: a turn that came late is made good.
        const due = Math.floor(((performance.now() - started) / 1000) * perSecond)
        for (; sent < due; sent++) answers.push(wrongCallback(), wrongSignIn())
        await new Promise((done) => setTimeout(done, 5))
      }
    })()
    while (performance.now() < until) {
      handOuts.push(await handOut())
      await new Promise((done) => setTimeout(done, 20))
    }
    await sending
    assert.ok(sent >= perSecond * seconds * 0.95, `${sent} of each were sent in ${seconds} s`)
    const slowest = Math.max(...handOuts.map(({ milliseconds }) => milliseconds))
    assert.ok(handOuts.length >= seconds, `${handOuts.length} hand-outs`)
    assert.ok(handOuts.every(({ status }) => status === 200))
    assert.ok(slowest < longestHandOut, `the slowest hand-out took ${Math.round(slowest)} ms`)

    const told = await Promise.all(answers)
    const answered = new Set(told.map(({ status }) => status))
    assert.deepEqual(
      [...answered].sort((a, b) => a - b),
      [303, 401, 429],
      'a page that says what is wrong, and refusals',
    )
    const refused = JSON.parse(await service.get('audit', '--json', '--outcome', 'refused', '--limit', '500')) as { items: { detail: object }[] }
    assert.ok(refused.items.length < 500, `${refused.items.length} records of ${told.length} refusals`)
    assert.equal((await handOut()).status, 200)
  })
})
