import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls'

/** A login as the server understood it. */
export type SeenLogin = { mechanism: string; user: string; secret: string; steps: number; secure: boolean }
export type SeenMail = { from: string; parameters: string; to: string[]; data: string; connection: number; secure: boolean }

/** What a hook may say: a reply, nothing at all, or the end of the connection. Left out: the usual reply. */
export type Said = string | 'hang' | 'drop' | undefined
type Hook<Argument> = (argument: Argument, connection: number) => Said | Promise<Said>

export type MailServerOptions = {
  tls?: 'none' | 'starttls' | 'implicit'
  certificate?: { cert: string; key: string }
  tlsOptions?: TlsOptions
  mechanisms?: string[]
  extensions?: string[]
  /** Longest argument of AUTH that is read, as Dovecot does it. */
  longestAuth?: number
  /** Longest line in answer to a challenge. */
  longestResponse?: number
}

/**
 * A mail server for tests: strict where real ones are strict (line lengths, order of commands, line ends), and otherwise
 * saying what the test wants it to say.
 */
export class MailServer {
  readonly options: MailServerOptions
  readonly logins: SeenLogin[] = []
  readonly mails: SeenMail[] = []
  /** Every line that came, without the message itself; secrets included. */
  readonly lines: string[] = []
  /** What was wrong with what the client did. */
  readonly complaints: string[] = []
  connections = 0
  readonly sockets = new Set<Socket>()
  on: {
    greeting?: Hook<string>
    hello?: Hook<string>
    starttls?: Hook<string>
    login?: Hook<SeenLogin>
    mail?: Hook<string>
    rcpt?: Hook<string>
    data?: Hook<SeenMail>
    message?: Hook<SeenMail>
  } = {}
  readonly #server: Server

  constructor(options: MailServerOptions = {}) {
    this.options = options
    const serve = (socket: Socket) => {
      this.connections += 1
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => undefined)
      new Session(this, socket, this.connections, options.tls === 'implicit').start()
    }
    this.#server = options.tls === 'implicit' ? createTlsServer({ ...options.certificate, ...options.tlsOptions }, serve) : createPlainServer(serve)
    this.#server.on('tlsClientError', () => undefined)
  }

  async listen(host = '127.0.0.1', port = 0): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(port, host, done))
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((done) => this.#server.close(done))
  }
}

class Session {
  readonly #server: MailServer
  readonly #number: number
  #socket: Socket
  #secure: boolean
  #buffer = ''
  #awaited: ((line: string) => void) | undefined
  #loggedIn = false
  #mail: SeenMail | undefined
  #work: Promise<void> = Promise.resolve()
  readonly #take = (chunk: Buffer) => {
    this.#buffer += chunk.toString('latin1')
    this.#work = this.#work.then(() => this.#read())
  }

  constructor(server: MailServer, socket: Socket, number: number, secure: boolean) {
    this.#server = server
    this.#socket = socket
    this.#number = number
    this.#secure = secure
  }

  start(): void {
    this.#socket.setNoDelay(true)
    this.#socket.on('data', this.#take)
    this.#work = this.#ask(this.#server.on.greeting, '', '220 mail.test ESMTP')
  }

  #say(reply: string): void {
    if (this.#socket.writable) this.#socket.write(`${reply.replaceAll('\n', '\r\n')}\r\n`)
  }

  /** Gives the hook's reply, or the usual one; returns what was said. */
  async #ask<Argument>(hook: Hook<Argument> | undefined, argument: Argument, usual: string): Promise<void> {
    const said = (await hook?.(argument, this.#number)) ?? usual
    if (said === 'hang') return await new Promise(() => undefined)
    if (said === 'drop') {
      this.#socket.destroy()
      return
    }
    this.#say(said)
    this.#lastSaid = said
    if (said.startsWith('421')) this.#socket.end()
  }

  #lastSaid = ''

  async #read(): Promise<void> {
    for (;;) {
      if (this.#reading === 'data') {
        const end = this.#buffer.startsWith('.\r\n') ? 0 : this.#buffer.indexOf('\r\n.\r\n')
        if (end < 0) return
        const data = end === 0 ? '' : this.#buffer.slice(0, end + 2)
        this.#buffer = this.#buffer.slice(end === 0 ? 3 : end + 5)
        this.#reading = 'commands'
        await this.#finishData(data)
        continue
      }
      const end = this.#buffer.indexOf('\n')
      if (end < 0) return
      const raw = this.#buffer.slice(0, end)
      this.#buffer = this.#buffer.slice(end + 1)
      if (!raw.endsWith('\r')) this.#server.complaints.push('a line ended by LF alone')
      const line = raw.replace(/\r$/, '')
      this.#server.lines.push(line)
      if (this.#awaited) {
        const awaited = this.#awaited
        this.#awaited = undefined
        awaited(line)
        // The login may go on to ask for a further line.
        await Promise.race([this.#auth, new Promise((done) => setImmediate(done))])
        continue
      }
      await this.#command(line)
    }
  }

  #reading: 'commands' | 'data' = 'commands'
  #auth: Promise<void> | undefined

  async #command(line: string): Promise<void> {
    const [verb = '', ...rest] = line.split(' ')
    const argument = rest.join(' ')
    switch (verb.toUpperCase()) {
      case 'EHLO':
        return await this.#hello(argument)
      case 'STARTTLS':
        return await this.#startTls()
      case 'AUTH':
        return await this.#login(argument)
      case 'MAIL':
        return await this.#from(argument)
      case 'RCPT':
        return await this.#to(argument)
      case 'DATA':
        return await this.#data()
      case 'RSET':
        this.#mail = undefined
        return this.#say('250 2.0.0 reset')
      case 'QUIT':
        this.#say('221 2.0.0 bye')
        this.#socket.end()
        return
      default:
        this.#server.complaints.push(`unknown command ${verb}`)
        this.#say('500 5.5.2 unknown command')
    }
  }

  async #hello(name: string): Promise<void> {
    const { tls = 'none', mechanisms = [], extensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 50000000'] } = this.#server.options
    const offered = [...extensions]
    if (tls === 'starttls' && !this.#secure) offered.push('STARTTLS')
    if (mechanisms.length > 0 && (this.#secure || tls === 'none')) offered.push(`AUTH ${mechanisms.join(' ')}`)
    await this.#ask(this.#server.on.hello, name, ['mail.test', ...offered].map((text, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${text}`).join('\n'))
  }

  async #startTls(): Promise<void> {
    const { tls, certificate, tlsOptions } = this.#server.options
    if (tls !== 'starttls') return this.#say('502 5.5.1 no STARTTLS here')
    await this.#ask(this.#server.on.starttls, '', '220 2.0.0 go ahead')
    if (!this.#lastSaid.startsWith('220')) return
    const plain = this.#socket
    plain.removeListener('data', this.#take)
    this.#buffer = ''
    const secured = new TLSSocket(plain, { isServer: true, ...certificate, ...tlsOptions })
    secured.on('error', () => undefined)
    secured.on('data', this.#take)
    this.#socket = secured
    this.#secure = true
  }

  async #login(argument: string): Promise<void> {
    const { longestAuth = 1024, mechanisms = [] } = this.#server.options
    if (argument.length > longestAuth) return this.#say('500 5.5.2 Line too long')
    const [mechanism = '', initial] = argument.split(' ')
    if (!mechanisms.includes(mechanism)) return this.#say('504 5.5.4 Unrecognized authentication type')
    this.#auth = this.#authenticate(mechanism, initial).finally(() => {
      this.#auth = undefined
    })
    // The next lines belong to the login: they are read while it runs.
    await Promise.race([this.#auth, new Promise((done) => setImmediate(done))])
  }

  async #authenticate(mechanism: string, initial: string | undefined): Promise<void> {
    const { longestResponse = 8192 } = this.#server.options
    const next = (challenge: string) => {
      this.#say(challenge)
      return new Promise<string>((resolve) => {
        this.#awaited = resolve
      })
    }
    const decode = (text: string) => Buffer.from(text, 'base64').toString('utf8')
    const finish = async (login: Omit<SeenLogin, 'secure' | 'mechanism'>) => {
      const seen = { ...login, mechanism, secure: this.#secure }
      this.#server.logins.push(seen)
      const said = (await this.#server.on.login?.(seen, this.#number)) ?? '235 2.7.0 welcome'
      const challenge = /^challenge (\S+) ([\s\S]+)$/.exec(said)
      if (challenge) {
        const answer = await next(`334 ${Buffer.from(challenge[1]!).toString('base64')}`)
        if (answer !== (mechanism === 'XOAUTH2' ? '' : 'AQ==')) this.#server.complaints.push(`the challenge was answered by "${answer}"`)
      }
      await this.#ask(() => challenge?.[2] ?? said, '', said)
      this.#loggedIn = this.#lastSaid.startsWith('235')
    }
    const steps = initial === undefined ? 2 : 1
    if (mechanism === 'LOGIN') {
      const user = decode(await next('334 VXNlcm5hbWU6'))
      return await finish({ user, secret: decode(await next('334 UGFzc3dvcmQ6')), steps: 3 })
    }
    const response = initial ?? (await next('334 '))
    if (response.length > longestResponse) return this.#say('500 5.5.6 Line too long')
    const text = decode(response)
    if (mechanism === 'PLAIN') {
      const [, user = '', secret = ''] = text.split('\0')
      return await finish({ user, secret, steps })
    }
    const pattern =
      mechanism === 'XOAUTH2'
        ? /^user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01$/
        : /^n,a=([^,\x01]*),\x01host=[^\x01]+\x01port=\d+\x01auth=Bearer ([^\x01]*)\x01\x01$/
    const match = pattern.exec(text)
    if (!match) {
      this.#server.complaints.push(`malformed ${mechanism}`)
      return this.#say('501 5.5.2 malformed')
    }
    await finish({ user: match[1]!, secret: match[2]!, steps })
  }

  async #from(argument: string): Promise<void> {
    if ((this.#server.options.mechanisms ?? []).length > 0 && !this.#loggedIn) return this.#say('530 5.7.0 Authentication required')
    const match = /^FROM:<([^>]*)>(.*)$/i.exec(argument)
    if (!match) return this.#say('501 5.5.4 syntax')
    if (/[\u0080-\u00ff]/.test(argument) && !/\bSMTPUTF8\b/.test(match[2]!)) this.#server.complaints.push('UTF-8 without SMTPUTF8 in MAIL')
    await this.#ask(this.#server.on.mail, utf8(match[1]!), '250 2.1.0 sender ok')
    this.#mail = this.#lastSaid.startsWith('250')
      ? { from: utf8(match[1]!), parameters: match[2]!.trim(), to: [], data: '', connection: this.#number, secure: this.#secure }
      : undefined
  }

  async #to(argument: string): Promise<void> {
    const match = /^TO:<([^>]+)>/i.exec(argument)
    if (!this.#mail || !match) return this.#say('503 5.5.1 MAIL first')
    if (/[\u0080-\u00ff]/.test(argument) && !/\bSMTPUTF8\b/.test(this.#mail.parameters)) this.#server.complaints.push('UTF-8 without SMTPUTF8 in RCPT')
    await this.#ask(this.#server.on.rcpt, utf8(match[1]!), '250 2.1.5 recipient ok')
    if (this.#lastSaid.startsWith('250')) this.#mail.to.push(utf8(match[1]!))
  }

  async #data(): Promise<void> {
    if (!this.#mail) return this.#say('503 5.5.1 MAIL first')
    if (this.#mail.to.length === 0) return this.#say('554 5.5.1 no valid recipients')
    await this.#ask(this.#server.on.data, this.#mail, '354 go ahead')
    if (this.#lastSaid.startsWith('354')) this.#reading = 'data'
  }

  async #finishData(raw: string): Promise<void> {
    const mail = this.#mail!
    this.#mail = undefined
    if (/[^\r]\n|\r[^\n]/.test(raw)) this.#server.complaints.push('a bare CR or LF in the message')
    if (raw.split('\r\n').some((line) => line.length > 1000)) this.#server.complaints.push('a line of the message is too long')
    mail.data = raw.replace(/^\.\./gm, '.')
    const said = await this.#server.on.message?.(mail, this.#number)
    // Taken and then cut off: the server has it, the client does not know.
    if (said === undefined || said.startsWith('250') || said === 'drop') this.#server.mails.push(mail)
    await this.#ask(() => said, '', '250 2.0.0 queued as ABC')
  }
}

const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8')
