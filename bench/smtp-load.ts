import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type Target = { port: number; password: string }

const mime = [
  'From: anna@example.org',
  'To: bob@example.org',
  'Subject: The nightly report',
  'Content-Type: text/plain; charset=utf-8',
  '',
  ...Array.from({ length: 30 }, (_, i) => `Line ${i} of a report that says that all went well, as every night.`),
  '',
].join('\r\n')

/** One session of a program that says a command, waits for the reply, and says the next one. */
export class SmtpSession {
  readonly #socket: Socket
  #text = ''
  #taker: ((reply: string) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1')
      if (!/^\d{3} .*\r\n$/m.test(this.#text)) return
      const reply = this.#text
      this.#text = ''
      this.#taker?.(reply)
    })
  }

  /** Connects, and logs in. */
  static async open({ port, password }: Target): Promise<SmtpSession> {
    const session = new SmtpSession(connect(port, '127.0.0.1'))
    await session.#next('2')
    await session.#say('EHLO bench', '2')
    await session.#say(`AUTH PLAIN ${Buffer.from(`\0anna@example.org\0${password}`).toString('base64')}`, '2')
    return session
  }

  #next(expected: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#taker = (reply) => (reply.startsWith(expected) ? resolve() : reject(new Error(`the server said ${reply}`)))
    })
  }

  async #say(line: string, expected: string): Promise<void> {
    const reply = this.#next(expected)
    this.#socket.write(`${line}\r\n`)
    await reply
  }

  /** Hands a message in. */
  async send(): Promise<void> {
    await this.#say('MAIL FROM:<anna@example.org>', '2')
    await this.#say('RCPT TO:<bob@example.org>', '2')
    await this.#say('DATA', '3')
    await this.#say(`${mime}.`, '2')
  }

  async close(): Promise<void> {
    this.#socket.end('QUIT\r\n')
    this.#socket.resume()
    await once(this.#socket, 'close')
  }
}

/** Hands so many messages in over sessions that are kept, and returns how many a second were taken. */
export async function handInReused(target: Target, options: { sessions: number; mails: number }): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: options.sessions }, () => SmtpSession.open(target)))
  let left = options.mails
  const startedAt = performance.now()
  await Promise.all(
    sessions.map(async (session) => {
      while (left-- > 0) await session.send()
    }),
  )
  const perSecond = (options.mails * 1000) / (performance.now() - startedAt)
  await Promise.all(sessions.map((session) => session.close()))
  return perSecond
}

/** The same with a session of its own for each message, one after another. */
export async function handInAnew(target: Target, options: { mails: number }): Promise<void> {
  for (let i = 0; i < options.mails; i++) {
    const session = await SmtpSession.open(target)
    await session.send()
    await session.close()
  }
}
