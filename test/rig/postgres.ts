import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { freePort } from './ports.ts'

const installed = '/usr/lib/postgresql'
const user = 'keybearer'

/** A private PostgreSQL server with its data in a temporary folder. */
export type PostgresServer = {
  /** Address of its maintenance database, with the right to make others. */
  url: string
  /** Ends it in good order and removes its data. */
  stop(): Promise<void>
  /** Ends every process of it at once, as a power cut would; the data stay. */
  kill9(): Promise<void>
  /** Starts it again on the same data and the same port. */
  start(): Promise<void>
}

/**
 * Starts Debian's PostgreSQL on a free port of 127.0.0.1. Writes are synced as in production, since a store that has to
 * survive a crash is to be tested as it will run. As root it runs under the account `postgres`: PostgreSQL refuses root.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = findBinaries()
  const account = process.getuid?.() === 0 ? accountOf('postgres') : null
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-postgres-'))
  if (account) chownSync(folder, account.uid, account.gid)
  const data = join(folder, 'data')
  const password = randomBytes(12).toString('hex')
  const port = await freePort()
  const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account) chownSync(passwordFile, account.uid, account.gid)
  const options = { cwd: folder, ...account, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' } }

  const run = async (program: string, args: string[]): Promise<void> => {
    const child = spawn(join(bin, program), args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (text) => (output += String(text)))
    child.stderr.on('data', (text) => (output += String(text)))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${output.slice(-1000)}`)
  }

  let server: ChildProcess | undefined
  let log = ''
  // What is left when a test process dies in the middle.
  const cleanUp = () => {
    server?.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  const start = async (): Promise<void> => {
    const child = spawn(
      join(bin, 'postgres'),
      [
        '-D',
        data,
        '-p',
        String(port),
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'unix_socket_directories=',
        '-c',
        'max_connections=200',
        '-c',
        'shared_buffers=64MB',
        // Of a power cut, against which the disk is waited for, these tests ask the embedded store only.
        '-c',
        'fsync=off',
        '-c',
        'full_page_writes=off',
      ],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    server = child
    child.stderr.on('data', (text) => (log = (log + String(text)).slice(-4000)))
    let ended = false
    child.once('exit', () => (ended = true))
    for (let tries = 0; ; tries++) {
      if (ended || tries > 300) throw new Error(`PostgreSQL does not start: ${log}`)
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
      try {
        await client.connect()
        await client.end()
        return
      } catch (error) {
        if (tries === 300) throw error
        await sleep(50)
      }
    }
  }

  const end = async (kill: (child: ChildProcess) => void): Promise<void> => {
    const child = server
    server = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    kill(child)
    await gone
  }

  process.once('exit', cleanUp)
  try {
    // SCRAM makes guessing slow, and every login of a test with it.
    await run('initdb', ['-D', data, '-U', user, '-E', 'UTF8', '--locale=C.UTF-8', '--auth=md5', `--pwfile=${passwordFile}`])
    await start()
  } catch (error) {
    cleanUp()
    throw error
  }
  return {
    url,
    start,
    async stop() {
      await end((child) => child.kill('SIGINT'))
      process.off('exit', cleanUp)
      rmSync(folder, { recursive: true, force: true })
    },
    async kill9() {
      // Its processes are in sessions of their own, so each is ended by its id; a survivor would keep the data locked.
      const children = childrenOf(server?.pid ?? 0)
      await end((child) => child.kill('SIGKILL'))
      for (const pid of children) killIfThere(pid)
      while (children.some((pid) => existsSync(`/proc/${pid}`))) await sleep(10)
    },
  }
}

function findBinaries(): string {
  const versions = existsSync(installed) ? readdirSync(installed).filter((name) => existsSync(join(installed, name, 'bin/postgres'))) : []
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  if (newest === undefined) throw new Error(`no PostgreSQL below ${installed}; on Debian: apt-get install postgresql`)
  return join(installed, newest, 'bin')
}

function accountOf(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error(`there is no account ${name}`)
  return { uid: Number(uid), gid: Number(gid) }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // The name in brackets may contain anything; the parent is the second field behind it.
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]) === parent
      } catch (error) {
        if (isGone(error)) return false
        throw error
      }
    })
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

const isGone = (error: unknown) => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'url-file': { type: 'string' } } })
  const server = await startPostgres()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void server.stop().then(() => process.exit(0)))
  if (values['url-file'] !== undefined) writeFileSync(values['url-file'], `${server.url}\n`, { mode: 0o600 })
  process.stdout.write(`${server.url}\n`)
  setInterval(() => undefined, 60_000)
}
