import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './rig/ports.ts'

const entry = join(import.meta.dirname, '..', 'bin', 'keybearer.js')
const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--disable-sigusr1'] as const

/** Where the tests keep what Node makes of the sources, for a program with a home of its own; empty when they keep it nowhere. */
export const keptCompiled: Record<string, string> = process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

export type CommandResult = { status: number; stdout: string; stderr: string }

export type TestService = {
  url: string
  folder: string
  data: string
  config: string
  environment: Record<string, string>
  /** Everything the service has written to stderr and stdout, over all its starts. */
  output: () => string
  /** Runs a command of the command line. */
  cli: (parameters: string[], options?: { input?: string; environment?: Record<string, string> }) => Promise<CommandResult>
  /** Runs a command and returns its output; throws when it fails. */
  get: (...parameters: string[]) => Promise<string>
  /** Resolves when it can hand out tokens, or when it lives: a locked one is never ready. */
  start: (until?: '/readyz' | '/livez') => Promise<void>
  kill9: () => Promise<void>
  stop: () => Promise<void>
  remove: () => Promise<void>
}

/** Runs the real service as a process of its own, with folders of its own, and the command line beside it. */
export async function makeService(further: Record<string, string> = {}): Promise<TestService> {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-service-'))
  const port = await freePort()
  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    ...keptCompiled,
    KEYBEARER_DATA: join(folder, 'data'),
    KEYBEARER_CONFIG: join(folder, 'config'),
    KEYBEARER_PORT: String(port),
    KEYBEARER_ALLOW_PRIVATE_NETWORKS: 'true',
    KEYBEARER_LOG_LEVEL: 'debug',
    ...further,
  }
  let output = ''
  let child: ChildProcess | undefined
  const url = `http://127.0.0.1:${port}`
  const ended = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const running = child
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise((done) => running.once('exit', done))
    running.kill(signal)
    await gone
    child = undefined
  }
  const cli: TestService['cli'] = async (parameters, options = {}) =>
    await runCommand([...node, entry, ...parameters], { ...environment, ...options.environment }, options.input)
  const service: TestService = {
    url,
    folder,
    data: environment.KEYBEARER_DATA!,
    config: environment.KEYBEARER_CONFIG!,
    environment,
    output: () => output,
    cli,
    async get(...parameters) {
      const result = await cli(parameters)
      if (result.status !== 0) throw new Error(`keybearer ${parameters.join(' ')} ended with ${result.status}: ${result.stderr}${result.stdout}`)
      return result.stdout
    },
    async start(until = '/readyz') {
      const started = spawn(node[0], [...node.slice(1), entry, 'serve'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
      child = started
      for (const stream of [started.stdout, started.stderr])
        stream.on('data', (chunk) => {
          output += String(chunk)
        })
      for (let i = 0; i < 300; i++) {
        if (started.exitCode !== null) throw new Error(`the service ended with ${started.exitCode}: ${output.slice(-2000)}`)
        if (await answers(`${url}${until}`)) return
        await new Promise((done) => setTimeout(done, 50))
      }
      throw new Error(`the service does not answer: ${output.slice(-2000)}`)
    },
    kill9: () => ended('SIGKILL'),
    stop: () => ended('SIGTERM'),
    async remove() {
      await ended('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return service
}

export function runCommand(command: readonly string[], environment: Record<string, string>, input?: string): Promise<CommandResult> {
  return new Promise((done, fail) => {
    const child = spawn(command[0]!, command.slice(1), { env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    const result = { status: 0, stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      result.stdout += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      result.stderr += String(chunk)
    })
    child.once('error', fail)
    child.once('close', (status) => done({ ...result, status: status ?? -1 }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
  })
}

/** Makes the registration "app" at a provider of one's own, known by its addresses: `token_endpoint=…` and such. Its secret is of no value. */
export async function addApp(service: TestService, addresses: readonly string[]): Promise<void> {
  const places = addresses.flatMap((address) => ['--placeholder', address])
  const secret = join(service.config, 'access-key')
  await service.get('registration', 'add', 'app', '--provider', 'generic', '--client-id', 'c', '--client-secret-file', secret, ...places)
}

function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    const call = request(url, (response) => {
      response.resume()
      done(response.statusCode === 200)
    })
    call.once('error', () => done(false))
    call.end()
  })
}
