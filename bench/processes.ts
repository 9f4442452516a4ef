import { fork, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { LoadOrder, LoadResult } from './http-load.ts'

/** A helper that runs beside what is measured, so that it does not take its time: it answers one message at a time. */
export type Child<Order, Result> = { pid: number; ask: (order: Order) => Promise<Result>; stop: () => void }

/** Starts a file of this folder as a process of its own. */
export function startChild<Order extends object, Result>(file: string): Child<Order, Result> {
  const child = fork(join(import.meta.dirname, file), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('error', () => undefined)
  return {
    pid: child.pid!,
    ask: (order) =>
      new Promise((done, fail) => {
        const ended = (status: number | null) => fail(new Error(`${file} ended with ${status}`))
        child.once('exit', ended)
        child.once('message', (result: Result) => {
          child.removeListener('exit', ended)
          done(result)
        })
        child.send(order)
      }),
    stop: () => void child.kill('SIGKILL'),
  }
}

export type Load = Child<LoadOrder, LoadResult>
export const startLoad = (): Load => startChild('http-load.ts')

export type RunningService = {
  url: string
  port: number
  pid: number
  /** Milliseconds from starting the process to the first good answer of /readyz. */
  startedIn: number
  /** Resident memory in MB. */
  resident: () => number
  stop: () => Promise<void>
}

/** Starts the real service on a folder that has `data` and `config` in it, with default settings but for the address. */
export async function startService(bin: string, folder: string, further: Record<string, string> = {}): Promise<RunningService> {
  const port = await freePort()
  const environment = environmentOf(folder, port, further)
  let output = ''
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-sigusr1', bin, 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output = (output + String(chunk)).slice(-4000)
    })
  const url = `http://127.0.0.1:${port}`
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}: ${output}`)
    if (performance.now() - startedAt > 60_000) throw new Error(`the service does not answer: ${output}`)
    await new Promise((done) => setTimeout(done, 2))
  }
  return {
    url,
    port,
    pid: child.pid!,
    startedIn: performance.now() - startedAt,
    resident: () => Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024,
    stop: () => end(child),
  }
}

/** The environment of service and command line; nothing of ours leaks in. */
export function environmentOf(folder: string, port: number, further: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    KEYBEARER_DATA: join(folder, 'data'),
    KEYBEARER_CONFIG: join(folder, 'config'),
    KEYBEARER_PORT: String(port),
    ...further,
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  await gone
}

function isReady(port: number): Promise<boolean> {
  return new Promise((done) => {
    const asked = request({ port, host: '127.0.0.1', path: '/readyz', agent: false }, (response) => {
      response.resume()
      done(response.statusCode === 200)
    })
    asked.on('error', () => done(false))
    asked.end()
  })
}

/** Returns a port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
}
