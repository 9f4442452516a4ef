import type { Secret } from '../base/secret.ts'
import { redactText } from '../base/redact.ts'
import type { SenderView } from './types.ts'

export type Login = { kind: 'token'; user: string; token: Secret } | { kind: 'password'; user: string; password: Secret }

export type LoginOutcome =
  | { kind: 'in' }
  /** The server says that the token or password is not good. */
  | { kind: 'refused'; reply: string }
  /** It may be the token, or the server could not ask the authorization server. */
  | { kind: 'perhaps_refused'; reply: string }
  | { kind: 'unavailable'; reply: string }
  | { kind: 'impossible'; reason: string }

export type Reply = { status: number; text: string; response: string }
export type SendCommand = (command: string) => Promise<Reply>

/** A command line may have 512 bytes with its end (RFC 5321); what is longer goes in a line of its own. */
const longestInitialResponse = 400

/**
 * Logs in at a mail server.
 *
 * A token of any length works: one that does not fit into the AUTH line is sent after the server's empty challenge, because
 * servers cut or refuse long command lines (Dovecot at 1,024 bytes, Postfix at 2,048 with a misleading 535).
 *
 * @see RFC 4954, RFC 7628, https://developers.google.com/gmail/imap/xoauth2-protocol
 */
export async function logIn(
  send: SendCommand,
  offered: string[],
  wanted: SenderView['mechanism'],
  login: Login,
  server: { host: string; port: number },
): Promise<LoginOutcome> {
  const mechanism = chooseMechanism(offered, wanted, login.kind)
  if ('reason' in mechanism) return { kind: 'impossible', reason: mechanism.reason }
  switch (mechanism.name) {
    case 'XOAUTH2':
      return await exchange(send, 'XOAUTH2', `user=${login.user}\x01auth=Bearer ${tokenOf(login)}\x01\x01`, '')
    case 'OAUTHBEARER':
      return await exchange(
        send,
        'OAUTHBEARER',
        `n,a=${saslName(login.user)},\x01host=${server.host}\x01port=${server.port}\x01auth=Bearer ${tokenOf(login)}\x01\x01`,
        'AQ==',
      )
    case 'PLAIN':
      return await exchange(send, 'PLAIN', `\0${login.user}\0${passwordOf(login)}`, '*')
    case 'LOGIN':
      return await logInStepwise(send, login)
  }
}

type Mechanism = 'XOAUTH2' | 'OAUTHBEARER' | 'PLAIN' | 'LOGIN'

/** Chooses what the sender is set to, otherwise the first mechanism that the server offers and the credential fits. */
export function chooseMechanism(offered: string[], wanted: SenderView['mechanism'], kind: Login['kind']): { name: Mechanism } | { reason: string } {
  const has = new Set(offered.map((name) => name.toUpperCase()))
  // XOAUTH2 first: servers with tokens have had it the longest.
  const fitting: Mechanism[] = kind === 'token' ? ['XOAUTH2', 'OAUTHBEARER'] : ['PLAIN', 'LOGIN']
  if (wanted !== 'auto' && wanted !== 'none') {
    if (!fitting.includes(wanted)) return { reason: `${wanted} does not fit this credential; ${fitting.join(' or ')} does` }
    return has.size > 0 && !has.has(wanted) ? { reason: `the server does not offer ${wanted}, but ${listed(has)}` } : { name: wanted }
  }
  const found = fitting.find((name) => has.has(name))
  return found ? { name: found } : { reason: `the server offers ${listed(has)}, and not ${fitting.join(' or ')}` }
}

const listed = (names: Set<string>) => (names.size === 0 ? 'no login at all' : [...names].join(', '))

async function exchange(send: SendCommand, name: string, response: string, afterChallenge: string): Promise<LoginOutcome> {
  const encoded = encode(response)
  let reply: Reply
  if (encoded.length <= longestInitialResponse) {
    reply = await send(`AUTH ${name} ${encoded}`)
  } else {
    reply = await send(`AUTH ${name}`)
    if (reply.status !== 334) return judge(reply)
    reply = await send(encoded)
  }
  if (reply.status !== 334) return judge(reply)
  // A challenge now carries the reason of a refusal; the answer to it brings the server's last word.
  const reason = Buffer.from(reply.text.trim(), 'base64').toString('utf8')
  let last = await send(afterChallenge)
  if (last.status === 334) last = await send('*')
  return judge(last, reason)
}

async function logInStepwise(send: SendCommand, login: Login): Promise<LoginOutcome> {
  for (const command of ['AUTH LOGIN', encode(login.user)]) {
    const reply = await send(command)
    if (reply.status !== 334) return judge(reply)
  }
  return judge(await send(encode(passwordOf(login))))
}

function judge(reply: Reply, challenge = ''): LoginOutcome {
  const text = redactText(`${reply.response}${challenge === '' ? '' : ` (${challenge})`}`, 500)
  if (reply.status >= 200 && reply.status < 300) return { kind: 'in' }
  switch (reply.status) {
    case 535:
    case 501:
      return { kind: 'refused', reply: text }
    // Said of a dead token by some servers, and by all while they cannot ask the authorization server.
    case 454:
    case 435:
      return { kind: 'perhaps_refused', reply: text }
    case 500:
      return { kind: 'impossible', reason: `the server did not read the login: ${text}` }
    case 504:
    case 530:
    case 534:
    case 538:
      return { kind: 'impossible', reason: `the server wants another way to log in: ${text}` }
    default:
      return reply.status >= 400 && reply.status < 500 ? { kind: 'unavailable', reply: text } : { kind: 'refused', reply: text }
  }
}

const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64')
/** @see RFC 5801 section 4 */
const saslName = (user: string) => user.replaceAll('=', '=3D').replaceAll(',', '=2C')

function tokenOf(login: Login): string {
  if (login.kind !== 'token') throw new TypeError('this login has no token')
  return login.token.reveal()
}

function passwordOf(login: Login): string {
  if (login.kind !== 'password') throw new TypeError('this login has no password')
  return login.password.reveal()
}
