import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { addApp, makeService, type TestService } from './service.ts'
import { startFakeProvider, type FakeProvider } from './world.ts'

/** Returns the addresses that a process listens on, as Linux tells them: hex address and port. */
function listeners(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
        return inode === undefined ? [] : [inode]
      } catch {
        return []
      }
    }),
  )
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((cells) => (table.startsWith('udp') || cells[3] === '0A') && own.has(cells[9] ?? ''))
      .map((cells) => cells[1]!),
  )
}

describe('connecting from the command line', () => {
  let service: TestService
  let fake: FakeProvider
  let child: ChildProcess | undefined
  before(async () => {
    service = await makeService()
    fake = await startFakeProvider()
    fake.answer = () => ({ body: { access_token: 'at', expires_in: 3600, refresh_token: 'rt' } })
    await service.start()
    await addApp(service, [`token_endpoint=${fake.url}/token`, `authorization_endpoint=${fake.url}/authorize`])
    await service.get('add', 'work', '--registration', 'app', '--grant', 'authorization_code')
  })
  after(async () => {
    child?.kill('SIGKILL')
    await service.remove()
    await fake.close()
  })

  it(
    'O27: the answer comes to the service, at an address of loopback in numbers; the command line listens nowhere, before, during and after',
    { timeout: 60_000 },
    async () => {
      const entry = join(import.meta.dirname, '..', 'bin', 'keybearer.js')
      const running = spawn(process.execPath, [entry, 'connect', 'work', '--no-browser'], { env: service.environment, stdio: ['ignore', 'pipe', 'pipe'] })
      child = running
      let shown = ''
      running.stdout.on('data', (chunk) => (shown += String(chunk)))
      const ended = new Promise<number | null>((done) => running.once('exit', done))
      for (let i = 0; i < 200 && !shown.includes('\n'); i++) await new Promise((done) => setTimeout(done, 50))
      const start = shown.trim().split('\n')[0]!
      assert.ok(start.startsWith(`${service.url}/oauth/start/`), start)
      const opened = await fetch(start, { redirect: 'manual' })
      const cookie = opened.headers.getSetCookie()[0]!.split(';')[0]!
      const address = new URL(opened.headers.get('location')!)
      const redirect = new URL(address.searchParams.get('redirect_uri')!)
      assert.equal(redirect.hostname, '127.0.0.1')
      assert.equal(redirect.origin, service.url)
      assert.deepEqual(listeners(running.pid!), [])
      assert.ok(listeners(process.pid).length > 0, 'the look itself works: the provider of the test listens')

      // Another program on this machine sends an answer of its own.
      for (const forged of ['state=forged&code=evil', 'code=evil', `state=${address.searchParams.get('code_challenge')}&code=evil`]) {
        const reply = await fetch(`${redirect.href}?${forged}`)
        assert.equal(reply.status, 400)
        assert.match(await reply.text(), /consent_unknown/)
      }
      assert.equal(fake.seen.length, 0)
      assert.deepEqual(listeners(running.pid!), [])
      assert.equal(running.exitCode, null, 'it still waits for the right one')

      const answer = `${redirect.href}?${new URLSearchParams({ state: address.searchParams.get('state')!, code: 'good' }).toString()}`
      const foreign = await fetch(answer)
      assert.match(await foreign.text(), /consent_wrong_browser/)
      assert.equal(fake.seen.length, 0)
      assert.equal(running.exitCode, null, 'it waits for its own browser')
      const reply = await fetch(answer, { headers: { cookie } })
      assert.equal(reply.status, 200)
      assert.equal(await ended, 0)
      assert.match(shown, /"work" is connected/)
      assert.equal(fake.seen.length, 1)
    },
  )

  it('--link prints a link for somebody else, who connects the account without a sign-in and without a key', { timeout: 60_000 }, async () => {
    const link = (await service.get('connect', 'work', '--link')).trim()
    assert.ok(link.startsWith(`${service.url}/connect/`), link)
    const page = await fetch(link)
    assert.equal(page.status, 200)
    assert.match(await page.text(), /local command line.*asks you/)
    const going = await fetch(link, { method: 'POST', headers: { origin: service.url } })
    const cookie = going.headers.getSetCookie()[0]!.split(';')[0]!
    const target = /url=([^"]+)/.exec(await going.text())![1]!.replace(/&#(\d+);/g, (_, n: string) => String.fromCodePoint(Number(n)))
    const query = new URL(target).searchParams
    const answer = `${query.get('redirect_uri')!}?${new URLSearchParams({ state: query.get('state')!, code: 'good' }).toString()}`
    assert.match(await (await fetch(answer, { headers: { cookie } })).text(), /is connected/)
    assert.equal((await fetch(link)).status, 409)
  })

  it('--withdraw ends the link that was sent, and says so when none waits', { timeout: 60_000 }, async () => {
    const link = (await service.get('connect', 'work', '--link')).trim()
    assert.equal((await fetch(link)).status, 200)
    assert.equal(await service.get('connect', 'work', '--withdraw'), 'Withdrawn: the link to connect "work" opens nothing any more.\n')
    assert.equal((await fetch(link)).status, 410)
    assert.equal(await service.get('connect', 'work', '--withdraw'), 'No link to connect "work" waits.\n')
  })
})
