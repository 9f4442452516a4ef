import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

/** A client that says what it is told to, and nothing of its own. */
export type RawClient = {
  /** The greeting and every reply so far, in order. */
  replies: string[]
  /** Sends bytes as they are. */
  write: (bytes: string | Buffer) => void
  /** Sends a line and returns the reply to it. */
  say: (line: string) => Promise<string>
  /** Returns the next reply. */
  next: () => Promise<string>
  startTls: (ca: string, tls?: ConnectionOptions) => Promise<void>
  /** The version of TLS; null without. */
  protocol: () => string | null
  closed: Promise<void>
  close: () => void
}

/** Connects to an SMTP server and reads the greeting. */
export async function openRaw(port: number, options: { host?: string; from?: string; ca?: string; tls?: ConnectionOptions } = {}): Promise<RawClient> {
  const host = options.host ?? '127.0.0.1'
  let socket: Socket | TLSSocket =
    options.ca === undefined
      ? connect({ host, port, ...(options.from === undefined ? {} : { localAddress: options.from }) })
      : connectTls({ host, port, ca: options.ca, servername: 'localhost', ...options.tls })
  const replies: string[] = []
  const waiting: ((reply: string) => void)[] = []
  const unread: string[] = []
  let rest = ''
  let isClosed = false
  let gone = (): void => undefined
  const closed = new Promise<void>((resolve) => (gone = resolve))
  const read = (chunk: Buffer) => {
    rest += chunk.toString('utf8')
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(rest)
      if (!end) return
      const reply = rest.slice(0, end.index + end[0].length)
      rest = rest.slice(reply.length)
      replies.push(reply)
      const taker = waiting.shift()
      if (taker) taker(reply)
      else unread.push(reply)
    }
  }
  const listen = () => {
    socket.on('data', read)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      isClosed = true
      gone()
      for (const taker of waiting.splice(0)) taker('(closed)')
    })
  }
  listen()
  const next = () => {
    const reply = unread.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    return isClosed ? Promise.resolve('(closed)') : new Promise<string>((resolve) => waiting.push(resolve))
  }
  await next()
  return {
    replies,
    next,
    closed,
    write: (bytes) => void socket.write(bytes),
    say(line) {
      socket.write(`${line}\r\n`)
      return next()
    },
    async startTls(ca, tls) {
      socket.removeAllListeners('data')
      const plain = socket
      socket = connectTls({ socket: plain, ca, servername: 'localhost', ...tls })
      await new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve)
        socket.once('error', reject)
        socket.once('close', () => reject(new Error('closed')))
      })
      listen()
    },
    protocol: () => ('getProtocol' in socket ? socket.getProtocol() : null),
    close: () => socket.destroy(),
  }
}
