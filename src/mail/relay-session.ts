import type { SMTPServerAddress, SMTPServerAuthentication, SMTPServerOptions, SMTPServerSession } from 'smtp-server'
import type { PassThrough } from 'node:stream'
import type { Caller } from '../access/caller.ts'
import type { Actor } from '../base/actor.ts'
import { isLoopback } from '../base/addresses.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { FailedLogins } from './failed-logins.ts'
import { normalizeAddress } from './message.ts'
import type { RelayContext } from './relay.ts'
import { refusal, refusalOf } from './relay-replies.ts'
import type { RawOrder } from './raw-intake.ts'

const mostFailedLogins = 3
/** Commands that nobody needs here. Without a certificate there is no STARTTLS either. */
const disabled = ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'VRFY']

type User = { identify: () => Promise<Caller> }
type Session = SMTPServerSession & {
  user?: User
  disabledCommands?: string[]
  failedLogins?: number
  /** Who sends the message that is being handed in; null: a device without a login. */
  caller?: Caller | null
}
type Handlers = Required<Pick<SMTPServerOptions, 'onConnect' | 'onSecure' | 'onAuth' | 'onMailFrom' | 'onRcptTo' | 'onData'>>

/**
 * Makes what the relay does at each step of a session.
 *
 * Invariant: `250` at the end of a message comes after the outbox has it on disk, and never without.
 */
export function relayHandlers(
  context: RelayContext,
  options: { budget: Budget; failedLogins: FailedLogins; receiving: Map<string, number>; hasTls: boolean; host: string },
): Handlers {
  const { budget, failedLogins, receiving } = options
  const withoutTls = options.hasTls ? disabled : [...disabled, 'STARTTLS']
  const isOpen = context.openTo
  const commandsOf = (session: Session): string[] => (mayLogIn(session) ? withoutTls : [...withoutTls, 'AUTH'])

  const logIn = async (auth: SMTPServerAuthentication, session: Session): Promise<User> => {
    if (!mayLogIn(session)) throw refusal(538, '5.7.11', 'A login needs encryption: use STARTTLS, or the port for implicit TLS.')
    const key = (auth.method === 'XOAUTH2' ? auth.accessToken : auth.password) ?? ''
    const address = plainAddress(session)
    const find = context.readKey(`Bearer ${key}`)
    const identify = () => find(address)
    const caller = await identify()
    if (!caller.canAny('mail'))
      throw new Problem('not_allowed', `${caller.title} lacks the right "mail".`, { nextStep: 'Use a key that has it on the credential of a sender.' })
    return { identify }
  }

  const refuseLogin = async (error: unknown, session: Session): Promise<Error> => {
    if (isProblem(error, 'not_signed_in') || isProblem(error, 'not_allowed')) {
      const action = error.code === 'not_signed_in' ? ('access_key.refused' as const) : ('api.refused' as const)
      await context.refusals.record({ actor: nobodyAt(session), action, outcome: 'refused', reason: error.message, detail: { endpoint: 'relay' } })
      context.count('login_refused')
      if (failedLogins.isTooMany(plainAddress(session)))
        return refusal(421, '4.7.0', 'Too many logins from this address were refused. Correct the access key, and wait a minute.')
      session.failedLogins = (session.failedLogins ?? 0) + 1
      if (session.failedLogins >= mostFailedLogins) return refusal(421, '4.7.0', 'Too many logins were refused. Check the access key.')
      return refusal(535, '5.7.8', `${error.message} The password is an access key of Keybearer.`.slice(0, 450))
    }
    return 'responseCode' in (error as Error) ? (error as Error) : refusalOf(error)
  }

  /** Returns whom a message is from, and what he may use. */
  const judge = async (session: Session): Promise<{ actor: Actor } & Pick<RawOrder, 'sender' | 'maySend' | 'isForced' | 'limiter'>> => {
    session.caller = null
    if (session.user) {
      const caller = await session.user.identify()
      session.caller = caller
      return { actor: caller.actor, maySend: (sender) => caller.can('mail', sender.credential?.id ?? '*'), limiter: context.limits.limiterOf(caller) }
    }
    if (isOpen === null || !isOpen.networks(plainAddress(session))) throw await needsLogin(session)
    return { actor: { ...nobodyAt(session), name: 'relay' }, sender: isOpen.sender, maySend: () => true, isForced: true }
  }

  const needsLogin = async (session: Session): Promise<Error> => {
    const reason = `no login from ${plainAddress(session) ?? 'an unknown address'}`
    await context.refusals.record({ actor: nobodyAt(session), action: 'access_key.refused', outcome: 'refused', reason, detail: { endpoint: 'relay' } })
    return mayLogIn(session)
      ? refusal(530, '5.7.0', 'Log in first: any user name, and an access key of Keybearer with the right "mail" as password.')
      : refusal(530, '5.7.0', 'Encrypt first: use STARTTLS, or the port for implicit TLS, and log in with an access key as password.')
  }

  /** What is known before the message comes is said before it comes. */
  const checkMail = async ({ args }: SMTPServerAddress, session: Session): Promise<void> => {
    await judge(session)
    const { caller } = session
    if (!caller) return
    const size = Number(typeof args === 'object' ? (args as { SIZE?: string }).SIZE : Number.NaN)
    if (size > 0) context.limits.checkSize(caller, size)
    await context.limits.checkRate(caller)
  }

  const take = async (stream: PassThrough, session: Session): Promise<string> => {
    const mime = await collect(stream, context.maxBytes, budget)
    try {
      const { actor, ...allowed } = await judge(session)
      const { mailFrom, rcptTo } = session.envelope
      const trace = { helo: String(session.hostNameAppearsAs), address: plainAddress(session) ?? '', protocol: session.transmissionType, by: options.host }
      try {
        const order = { mime, mailFrom: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map((one) => one.address), trace, by: 'relay' as const }
        return await context.intake.accept({ ...order, ...allowed }, actor)
      } catch (error) {
        if (isProblem(error, 'not_allowed')) {
          await context.refusals.record({ actor, action: 'api.refused', outcome: 'refused', reason: error.code, detail: { endpoint: 'relay' } })
        }
        throw error
      }
    } finally {
      budget.used -= mime.length
    }
  }

  return {
    onConnect(session: Session, done) {
      session.disabledCommands = commandsOf(session)
      done()
    },
    onSecure(_socket, session: Session, done) {
      session.disabledCommands = commandsOf(session)
      done()
    },
    onAuth(auth, session, done) {
      logIn(auth, session as Session).then(
        (user) => done(null, { user }),
        (error: unknown) => void refuseLogin(error, session as Session).then((reply) => done(reply)),
      )
    },
    onMailFrom(address, session, done) {
      checkMail(address, session as Session).then(
        () => done(),
        (error: unknown) => done('responseCode' in (error as Error) ? (error as Error) : refusalOf(error)),
      )
    },
    onRcptTo({ address }, session, done) {
      const { caller, envelope } = session as Session
      const most = caller?.mailLimits?.recipientsPerMessage ?? null
      if (caller && most !== null && envelope.rcptTo.length >= most)
        return done(refusal(452, '4.5.3', `${caller.title} may send to ${most} at once. Send the rest as another message.`))
      if (normalizeAddress(address) === null) return done(refusal(553, '5.1.3', `"${address.slice(0, 100)}" is not a mail address that can be sent to.`))
      done()
    },
    onData(stream, session, done) {
      receiving.set(session.id, context.clock.monotonic())
      take(stream as PassThrough, session as Session).then(
        (id) => {
          receiving.delete(session.id)
          context.count('accepted')
          done(null, `2.6.0 Accepted as ${id}; it is on disk.`)
        },
        (error: unknown) => {
          receiving.delete(session.id)
          const reply = 'responseCode' in (error as Error) ? (error as Error & { responseCode: number }) : refusalOf(error)
          if (!isProblem(error) && reply !== error) context.log.error('relay.failed', { error })
          context.count(reply.responseCode < 500 ? 'try_later' : 'refused')
          done(reply)
        },
      )
    },
  }
}

/** What all messages that are being received take of the memory. */
export type Budget = { used: number; most: number }

/** Reads a message whole; what is too much is read and forgotten, so that the client hears why. */
function collect(stream: PassThrough, most: number, budget: Budget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let tooMuch: Error | null = null
    let isOver = false
    const fail = (error: Error) => {
      isOver = true
      budget.used -= size
      reject(error)
    }
    stream.on('data', (chunk: Buffer) => {
      if (isOver || tooMuch !== null) return
      size += chunk.length
      budget.used += chunk.length
      chunks.push(chunk)
      if (size > most) tooMuch = refusal(552, '5.3.4', `The message is larger than ${most} bytes. Send less, or have KEYBEARER_MAIL_MAX_BYTES raised.`)
      else if (budget.used > budget.most) tooMuch = refusal(452, '4.3.1', 'Too many messages are coming in at once. Send it again in a minute.')
      if (tooMuch !== null) chunks.length = 0
    })
    stream.once('end', () => {
      if (tooMuch !== null) return fail(tooMuch)
      isOver = true
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size))
    })
    stream.once('error', (error) => {
      if (!isOver) fail(error)
    })
    stream.once('close', () => {
      if (!isOver) fail(new Error('the message ended too soon'))
    })
  })
}

/** A password in the clear is for loopback only. */
const mayLogIn = (session: Session): boolean => session.secure || isLoopback(plainAddress(session) ?? '')

const plainAddress = ({ remoteAddress }: SMTPServerSession): string | null =>
  remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.') ? remoteAddress.slice(7) : remoteAddress || null

const nobodyAt = (session: Session): Actor => ({ id: 'nobody', name: 'nobody', kind: 'nobody', address: plainAddress(session) })
