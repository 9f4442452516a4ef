import { isAscii } from 'node:buffer'
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Actor } from '../base/actor.ts'
import { isLoopback } from '../base/addresses.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import type { HandedOut } from '../credentials/types.ts'
import { AccountGate } from './account-gate.ts'
import type { MailContext } from './context.ts'
import type { Envelope, Sender } from './sender.ts'
import { deliveryOfError } from './settlement.ts'
import { logIn, type Login, type LoginOutcome } from './smtp-auth.ts'
import type { Delivery, SenderView } from './types.ts'

const mostConnections = 3
const idleTime = 15_000
const mostMessagesPerConnection = 100
const clientName = hostname().includes('.') ? hostname() : '[127.0.0.1]'

type Open = { connection: SMTPConnection; key: string; sent: number; idleSince: number; broken: boolean }

/** Sends mail through SMTP servers, over connections that stay open for the next message. */
export class SmtpSender implements Sender {
  readonly #context: MailContext
  readonly #idle = new Map<string, Open[]>()
  readonly #gate: AccountGate
  readonly #sweeper: NodeJS.Timeout
  #closed = false

  constructor(context: MailContext) {
    this.#context = context
    this.#gate = new AccountGate(context.clock, mostConnections)
    this.#sweeper = setInterval(() => this.#closeIdle(), idleTime / 3).unref()
  }

  /** A connection that nobody needs is one that the server counts against the account. */
  #closeIdle(): void {
    const now = this.#context.clock.monotonic()
    for (const [account, list] of this.#idle) {
      const keep = list.filter((open) => !open.broken && now - open.idleSince <= idleTime)
      for (const open of list) if (!keep.includes(open)) open.connection.quit()
      if (keep.length > 0) this.#idle.set(account, keep)
      else this.#idle.delete(account)
    }
  }

  async deliver(sender: SenderView, envelope: Envelope, mime: string | Buffer, actor: Actor): Promise<Delivery> {
    const account = accountOf(sender)
    return await this.#gate.deliver(account, envelope.priority, async () => {
      try {
        const first = await this.#tryOnce(sender, envelope, mime, actor, 'any')
        if (first !== 'stale') return first
        // The server had ended the idle connection, which only shows when it is used. Nothing of the message was sent.
        const second = await this.#tryOnce(sender, envelope, mime, actor, 'new')
        return second === 'stale' ? connectionLost(sender) : second
      } catch (error) {
        if (!isProblem(error)) throw error
        return deliveryOfError(error)
      }
    })
  }

  /** Connects and logs in over a connection of its own. */
  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    try {
      const opened = await this.#open(sender, actor, 'new')
      if (!('connection' in opened)) return opened
      opened.connection.quit()
      return 'in'
    } catch (error) {
      if (!isProblem(error)) throw error
      return deliveryOfError(error)
    }
  }

  async #tryOnce(sender: SenderView, envelope: Envelope, mime: string | Buffer, actor: Actor, connection: 'any' | 'new'): Promise<Delivery | 'stale'> {
    const opened = await this.#open(sender, actor, connection)
    return 'connection' in opened ? await this.#send(sender, opened, envelope, mime) : opened
  }

  reopen(): void {
    this.#gate.reopen()
  }

  /** Closes every connection that waits for work. */
  close(): void {
    this.#closed = true
    clearInterval(this.#sweeper)
    for (const list of this.#idle.values()) for (const open of list) open.connection.quit()
    this.#idle.clear()
  }

  async #open(sender: SenderView, actor: Actor, connection: 'any' | 'new'): Promise<Open | Delivery> {
    const idle = connection === 'any' ? await this.#reuse(sender, actor) : null
    if (idle) return idle
    const first = await this.#credential(sender, actor)
    const key = connectionKey(sender, first?.generation)
    const login = await this.#connectAndLogIn(sender, key, first)
    if (login.kind === 'open') return login.open
    if ((login.kind === 'refused' || login.kind === 'perhaps_refused') && first !== null && first.tokenType !== 'Basic') {
      // The server does not take this token: it was revoked, or is older than it looks. One newer token gets one chance.
      const second = await this.#credential(sender, actor, first.generation).catch((error: unknown) => {
        // Server and provider are silent together: that the login could not be checked says more.
        if (login.kind === 'perhaps_refused' && isProblem(error, 'provider_unavailable')) return null
        throw error
      })
      if (second !== null && second.generation !== first.generation) {
        const again = await this.#connectAndLogIn(sender, connectionKey(sender, second.generation), second)
        if (again.kind === 'open') return again.open
        return this.#refusal(sender, again, actor)
      }
    }
    return this.#refusal(sender, login, actor)
  }

  #refusal(sender: SenderView, login: Exclude<LoginResult, { kind: 'open' }>, actor: Actor): Delivery {
    if (sender.credential && login.kind !== 'failed') this.#context.credentials.recordUse(sender.credential.id, actor, 'issue')
    switch (login.kind) {
      case 'failed':
        return login.delivery
      case 'refused':
        return { kind: 'refused', code: 'mail_auth_refused', permanent: false, reply: login.reply, message: `${sender.host} refused the login.` }
      case 'perhaps_refused':
      case 'unavailable':
        return { kind: 'unavailable', code: 'mail_unavailable', message: `${sender.host} could not check the login now.`, reply: login.reply, about: 'account' }
      case 'impossible':
        return { kind: 'refused', code: 'mail_auth_refused', permanent: false, reply: login.reason, message: `${sender.host}: ${login.reason}.` }
    }
  }

  /** Takes a connection that is logged in with the token that counts now. No token leaves for it. */
  async #reuse(sender: SenderView, actor: Actor): Promise<Open | null> {
    const account = accountOf(sender)
    if ((this.#idle.get(account)?.length ?? 0) === 0) return null
    const generation = needsLogin(sender) ? await this.#context.credentials.generationFor(sender.credential.id, orderOf(sender, actor)) : undefined
    return this.#takeIdle(account, connectionKey(sender, generation))
  }

  async #credential(sender: SenderView, actor: Actor, refusedGeneration?: number): Promise<HandedOut | null> {
    if (!needsLogin(sender)) return null
    const order = orderOf(sender, actor)
    return await this.#context.credentials.handOut(sender.credential.id, refusedGeneration === undefined ? order : { ...order, refusedGeneration })
  }

  #takeIdle(account: string, key: string): Open | null {
    const list = this.#idle.get(account) ?? []
    this.#idle.set(account, [])
    let found: Open | null = null
    for (const open of list) {
      const stale = open.broken || open.key !== key || this.#context.clock.monotonic() - open.idleSince > idleTime
      if (stale) open.connection.quit()
      else if (found === null) found = open
      else this.#idle.get(account)!.push(open)
    }
    return found
  }

  async #connectAndLogIn(sender: SenderView, key: string, handed: HandedOut | null): Promise<LoginResult> {
    let connection: SMTPConnection
    try {
      connection = await this.#connect(sender)
    } catch (error) {
      return { kind: 'failed', delivery: connectionFailure(sender, error) }
    }
    const open: Open = { connection, key, sent: 0, idleSince: 0, broken: false }
    connection.on('error', () => {
      open.broken = true
    })
    connection.on('end', () => {
      open.broken = true
    })
    if (handed === null) return { kind: 'open', open }
    const login = loginOf(sender, handed)
    let outcome: LoginOutcome | null = null
    const error = await new Promise<Error | null>((resolve) => {
      connection.once('error', resolve)
      // A connection that a 421 ends is closed without an error, and no command on it is answered any more.
      connection.once('end', () => resolve(new Error('the server ended the connection')))
      connection.login(
        {
          method: 'KEYBEARER',
          user: login.user,
          keybearer: (result: LoginOutcome) => {
            outcome = result
          },
          login,
          sender,
        },
        (failure) => resolve(failure ?? null),
      )
    })
    if (error === null) return { kind: 'open', open }
    connection.close()
    const said = outcome as LoginOutcome | null
    // The server or the network ended the connection before the login was decided.
    return said === null || said.kind === 'in' ? { kind: 'unavailable', reply: redactText((error as SendError).response ?? error.message, 300) } : said
  }

  async #connect(sender: SenderView): Promise<SMTPConnection> {
    const address = await this.#resolve(sender)
    const authorities = [sender.ca, this.#context.ca].filter((pem): pem is string => pem != null)
    const connection = new SMTPConnection({
      host: address,
      port: sender.port,
      secure: sender.tls === 'implicit',
      requireTLS: sender.tls === 'starttls',
      ignoreTLS: sender.tls === 'none',
      name: clientName,
      connectionTimeout: 15_000,
      greetingTimeout: 30_000,
      socketTimeout: 120_000,
      tls: {
        minVersion: 'TLSv1.2',
        servername: isIP(sender.host) === 0 ? sender.host : '',
        host: sender.host,
        ...(authorities.length > 0 ? { ca: [...getCACertificates('default'), ...authorities] } : {}),
      },
      customAuth: { KEYBEARER: customLogin },
    })
    return await new Promise((resolve, reject) => {
      connection.once('error', reject)
      connection.once('end', () => reject(new Error('the server ended the connection')))
      connection.connect((error) => {
        connection.removeListener('error', reject)
        if (error) reject(error)
        else resolve(connection)
      })
    })
  }

  /** Looks the host up and returns an address that was checked; the connection goes to it and nowhere else. */
  async #resolve(sender: SenderView): Promise<string> {
    if (sender.tls === 'none' && !isLoopback(sender.host)) {
      throw new Problem('address_not_allowed', `Mail without TLS is sent on loopback only, not to ${sender.host}.`)
    }
    const addresses = isIP(sender.host) === 0 ? (await lookup(sender.host, { all: true })).map((entry) => entry.address) : [sender.host]
    const allowed = addresses.filter((address) => this.#context.mayConnect(sender.host, address, sender.port))
    if (allowed.length === 0) throw new Problem('address_not_allowed', `${sender.host} has a private or reserved address.`)
    // IPv4 first: many hosts have an IPv6 address that leads nowhere.
    return allowed.find((address) => isIP(address) === 4) ?? allowed[0]!
  }

  async #send(sender: SenderView, open: Open, envelope: Envelope, mime: string | Buffer): Promise<Delivery | 'stale'> {
    const isReused = open.sent > 0
    let begun = false
    const content = new Readable({
      read() {
        begun = true
        this.push(mime, 'utf8')
        this.push(null)
      },
    })
    const result = await new Promise<{ error: SendError | null; info: SendInfo | null }>((resolve) => {
      const lost = (error: Error) => resolve({ error, info: null })
      open.connection.once('error', lost)
      open.connection.send({ from: envelope.from, to: envelope.to, size: Buffer.byteLength(mime), use8BitMime: isEightBit(mime) }, content, (error, info) => {
        open.connection.removeListener('error', lost)
        resolve({ error: error ?? null, info: info ?? null })
      })
    })
    open.sent += 1
    await this.#giveBack(accountOf(sender), open, result.error)
    if (result.error === null) return sendSuccess(result.info!)
    return isReused && !begun && hasEnded(result.error) ? 'stale' : sendFailure(sender, result.error)
  }

  async #giveBack(account: string, open: Open, error: SendError | null): Promise<void> {
    const usable = !open.broken && !this.#closed && open.sent < mostMessagesPerConnection && (error === null || typeof error.responseCode === 'number')
    if (!usable) return open.connection.quit()
    if (error !== null) {
      const failed = await new Promise<Error | null>((resolve) => {
        open.connection.once('error', resolve)
        open.connection.reset((failure) => resolve(failure ?? null))
      })
      if (failed !== null) return open.connection.close()
    }
    open.idleSince = this.#context.clock.monotonic()
    const list = this.#idle.get(account) ?? []
    list.push(open)
    this.#idle.set(account, list)
  }
}

type LoginResult = Exclude<LoginOutcome, { kind: 'in' }> | { kind: 'open'; open: Open } | { kind: 'failed'; delivery: Delivery }
type SendError = Error & {
  code?: string
  responseCode?: number
  response?: string
  command?: string
  rejected?: string[]
  rejectedErrors?: SendError[]
  recipient?: string
}
type SendInfo = { response: string; rejected: string[]; rejectedErrors?: SendError[] }

type CustomLogin = { auth: Record<string, unknown>; sendCommand: (command: string) => Promise<{ status: number; text: string; response: string }> }

/**
 * Runs our own login inside nodemailer's connection: it knows OAUTHBEARER, and sends long tokens in a line of their own. The
 * server is greeted once more, because the connection keeps only the mechanisms that it knows itself.
 */
async function customLogin(context: CustomLogin): Promise<void> {
  const { login, sender, keybearer } = context.auth as { login: Login; sender: SenderView; keybearer: (outcome: LoginOutcome) => void }
  const greeting = await context.sendCommand(`EHLO ${clientName}`)
  const outcome = await logIn((command) => context.sendCommand(command), offeredMechanisms(greeting.response), sender.mechanism, login, {
    host: sender.host,
    port: sender.port,
  })
  keybearer(outcome)
  if (outcome.kind !== 'in') throw new Error(outcome.kind)
}

/** A server that knows 8BITMIME wants to be told. @see RFC 6152 section 3 */
const isEightBit = (mime: string | Buffer): boolean => (typeof mime === 'string' ? /[^\0-\x7f]/.test(mime) : !isAscii(mime))

/** Reads the mechanisms out of the reply to EHLO. */
export function offeredMechanisms(reply: string): string[] {
  return reply
    .split(/\r?\n/)
    .flatMap((line) => /^\d{3}[ -]AUTH[ =](.*)$/i.exec(line.trim())?.[1]?.trim().split(/[ =]+/) ?? [])
    .map((name) => name.toUpperCase())
}

function loginOf(sender: SenderView, handed: HandedOut): Login {
  const user = sender.login ?? handed.credential.username
  if (handed.tokenType === 'Basic') {
    const text = Buffer.from(handed.accessToken.reveal(), 'base64').toString('utf8')
    return { kind: 'password', user: sender.login ?? text.slice(0, text.indexOf(':')), password: new Secret(text.slice(text.indexOf(':') + 1)) }
  }
  return { kind: 'token', user: user ?? sender.from, token: handed.accessToken }
}

/** Servers count connections per account: whichever sender they belong to, they share one limit. */
const accountOf = (sender: SenderView) => `${sender.host}:${sender.port}/${sender.credential?.id ?? ''}/${sender.login ?? ''}`

const connectionKey = (sender: SenderView, generation = 0) => `${sender.id}/${sender.revision}/${generation}`

const needsLogin = (sender: SenderView): sender is SenderView & { credential: { id: string } } => sender.credential !== null && sender.mechanism !== 'none'

const orderOf = (sender: SenderView, actor: Actor) => ({ purpose: 'mail' as const, destination: { host: sender.host, port: sender.port }, actor })

function connectionFailure(sender: SenderView, error: unknown): Delivery {
  if (isProblem(error)) return { kind: 'unavailable', code: error.code, message: error.message, reply: null, nextStep: error.nextStep, about: 'account' }
  const { code = '', response, message } = error as SendError
  const words = redactText(response ?? message, 300)
  const failure = { kind: 'unavailable', code: 'mail_unavailable', reply: response ? words : null, about: 'account' } as const
  if (code !== 'ETLS') return { ...failure, message: `${sender.host}:${sender.port} cannot be reached: ${words}.` }
  return { ...failure, message: `No secure connection to ${sender.host}: ${words}.`, nextStep: 'Check port and TLS of the sender. Nothing secret was sent.' }
}

function sendSuccess(info: SendInfo): Delivery {
  return { kind: 'sent', reply: redactText(info.response, 300), refused: (info.rejectedErrors ?? []).map(refusedRecipient) }
}

const refusedRecipient = (error: SendError) => ({
  address: error.recipient ?? '',
  reply: redactText(error.response ?? error.message, 300),
  permanent: (error.responseCode ?? 400) >= 500,
})

const hasEnded = (error: SendError) =>
  error.responseCode === 421 || (error.responseCode === undefined && error.code !== 'EMESSAGE' && error.code !== 'EENVELOPE')

const connectionLost = (sender: SenderView): Delivery => ({
  kind: 'unavailable',
  code: 'mail_unavailable',
  message: `The connection to ${sender.host} was lost.`,
  reply: null,
})

function sendFailure(sender: SenderView, error: SendError): Delivery {
  const refused = (reply: string | null, permanent: boolean, message: string): Delivery => {
    const about = refusesSender(error) ? { about: 'sender' as const } : {}
    const recipients = error.rejectedErrors?.map(refusedRecipient)
    return { kind: 'refused', code: 'mail_refused', permanent, reply, message, ...about, ...(recipients ? { recipients } : {}) }
  }
  // What the server said at the greeting, or what no server would take: it was not even sent.
  if (error.code === 'EMESSAGE' && error.responseCode === undefined) return refused(null, true, `The message is larger than ${sender.host} takes.`)
  if (error.code === 'EENVELOPE' && error.responseCode === undefined) return refused(null, true, `An address cannot be sent to ${sender.host}.`)
  if (typeof error.responseCode !== 'number') return connectionLost(sender)
  const reply = redactText(error.response ?? error.message, 500)
  return error.responseCode >= 500
    ? refused(reply, true, `${sender.host} refused the message.`)
    : refused(reply, false, `${sender.host} does not take the message now.`)
}

/**
 * Returns whether the server will not have mail from this address. Some say so at MAIL; Postfix waits for RCPT, and Exchange
 * for the end of the message.
 */
function refusesSender(error: SendError): boolean {
  if (error.command === 'MAIL FROM') return true
  const replies = error.rejectedErrors?.map((one) => one.response ?? '') ?? [error.response ?? '']
  return replies.length > 0 && replies.every((reply) => /sender address rejected|SendAsDenied|\b5\.7\.60\b|\b5\.2\.252\b/i.test(reply))
}
