// A process of its own that asks a web server as fast as it answers, and tells how that went.
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { quantile } from './statistics.ts'

/** What to ask. `{n}` in path and body stands for a number: those from `first` on, in turn or shuffled. */
export type LoadOrder = {
  port: number
  connections: number
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string
  first: number
  numbers: number
  shuffled: boolean
  /** Ends after this many milliseconds or requests, whichever comes first. */
  milliseconds: number
  requests: number
}

export type LoadResult = {
  answered: number
  perSecond: number
  p50: number
  p99: number
  /** Answers that were not 200, or broke off. */
  failed: number
  /** Bytes of the last answer's body. */
  bytes: number
  /** Share of the time that this process was at work: near 1 it was itself the limit. */
  busy: number
}

/** Carries the order out. */
export async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const latencies: number[] = []
  const next = makeRequests(order)
  let failed = 0
  let bytes = 0
  let asked = 0
  const sockets = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)))
  const before = performance.eventLoopUtilization()
  const startedAt = performance.now()
  const until = startedAt + order.milliseconds
  const mayAsk = () => asked < order.requests && performance.now() < until
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((done) => {
          const reader = new AnswerReader()
          let sentAt = 0
          const ask = () => {
            if (!mayAsk()) {
              socket.destroy()
              done()
              return
            }
            asked++
            sentAt = performance.now()
            socket.write(next())
          }
          socket.on('data', (chunk: Buffer) => {
            const answer = reader.take(chunk)
            if (answer === null) return
            latencies.push(performance.now() - sentAt)
            if (answer.status !== 200) failed++
            bytes = answer.bytes
            ask()
          })
          socket.on('error', () => undefined)
          socket.on('close', () => {
            if (sentAt !== 0 && asked < order.requests && performance.now() < until) failed++
            done()
          })
          ask()
        }),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const busy = performance.eventLoopUtilization(before).utilization
  return {
    answered: latencies.length,
    perSecond: latencies.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    failed,
    bytes,
    busy,
  }
}

function makeRequests(order: LoadOrder): () => Buffer {
  const head = Object.entries({ host: `127.0.0.1:${order.port}`, ...order.headers }).map(([name, value]) => `${name}: ${value}`)
  const one = (n: number) => {
    const body = order.body.replaceAll('{n}', String(n))
    const length = order.method === 'GET' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
    return Buffer.from(`${order.method} ${order.path.replaceAll('{n}', String(n))} HTTP/1.1\r\n${[...head, ...length].join('\r\n')}\r\n\r\n${body}`)
  }
  if (!order.path.includes('{n}') && !order.body.includes('{n}')) {
    const same = one(0)
    return () => same
  }
  const numbers = Array.from({ length: order.numbers }, (_, i) => order.first + i)
  if (order.shuffled) shuffle(numbers)
  let at = 0
  return () => one(numbers[at++ % numbers.length]!)
}

function shuffle(numbers: number[]): void {
  for (let i = numbers.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!]
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => done(socket))
    socket.once('error', fail)
  })
}

/** Finds the end of answers that have a Content-Length, with next to no work for those that come in one piece. */
export class AnswerReader {
  #parts: Buffer[] = []
  #size = 0
  #whole = 0

  /** Returns the answer when the chunk ends it, otherwise null. */
  take(chunk: Buffer): { status: number; bytes: number } | null {
    this.#parts.push(chunk)
    this.#size += chunk.length
    if (this.#whole === 0) {
      const all = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
      this.#parts = [all]
      const end = all.indexOf('\r\n\r\n')
      if (end === -1) return null
      const length = /\r\ncontent-length: *(\d+)/i.exec(all.toString('latin1', 0, end + 2))?.[1]
      if (length === undefined) throw new Error('an answer without Content-Length')
      this.#whole = end + 4 + Number(length)
      this.#body = Number(length)
    }
    if (this.#size < this.#whole) return null
    if (this.#size > this.#whole) throw new Error('an answer that nobody asked for')
    const status = Number(this.#parts[0]!.toString('latin1', 9, 12))
    this.#parts = []
    this.#size = 0
    this.#whole = 0
    return { status, bytes: this.#body }
  }
  #body = 0
}

process.on('message', (order: LoadOrder) => {
  void runLoad(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
