import type { Secret } from '../base/secret.ts'
import { adviseOn } from './smtp-advice.ts'
import { isTransient, readReply, type SmtpReply } from './smtp-reply.ts'
import { passwordMechanisms, tokenMechanisms, type Mechanism, type SenderMechanism } from './types.ts'

/** How a login ended. */
export type LoginResult =
  | { kind: 'accepted' }
  /** The server does not want this token or password. */
  | { kind: 'refused_token'; reply: SmtpReply }
  /** Temporary, the server says; but some say so of a dead token too. */
  | { kind: 'maybe_token'; reply: SmtpReply }
  /** The token is longer than the server reads. */
  | { kind: 'line_too_long'; reply: SmtpReply }
  | { kind: 'mechanism_missing'; reply: SmtpReply }
  /** Refused by a rule that no other token changes. */
  | { kind: 'forbidden'; reply: SmtpReply }
  | { kind: 'unavailable'; reply: SmtpReply }

/** Sends one line and returns the whole reply to it. */
export type Say = (line: string) => Promise<string>

/** Reads the mechanisms out of the reply to EHLO, in upper case. Old servers write `AUTH=`. */
export function offeredMechanisms(ehlo: string): string[] {
  const offered = new Set<string>()
  for (const line of ehlo.split(/\r?\n/)) {
    const match = /^\d{3}[ -]AUTH[ =](.*)$/i.exec(line.trim())
    for (const name of match?.[1]!.split(/[ =]+/) ?? []) if (name !== '') offered.add(name.toUpperCase())
  }
  return [...offered]
}

/**
 * Chooses the mechanism: the one the sender is set to, otherwise the first preferred one that the server offers. Returns
 * null when none is left.
 */
export function chooseMechanism(set: SenderMechanism, credentialKind: string, offered: string[], preferred: Mechanism[]): Mechanism | null {
  const usable: readonly Mechanism[] = credentialKind === 'oauth2' ? tokenMechanisms : passwordMechanisms
  // Told by a person: used although the server may not say that it has it.
  if (set !== 'auto' && set !== 'none') return usable.includes(set) ? set : null
  const order = [...preferred.filter((name) => usable.includes(name)), ...usable]
  return order.find((name) => offered.includes(name)) ?? null
}

/** Longer lines get into trouble: RFC 5321 promises 512 bytes, Dovecot reads 1,024 of an AUTH command, Postfix 2,048. */
const longestCommand = 512

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** RFC 5801: the two characters that a name in the header of OAUTHBEARER must not contain as they are. */
const saslName = (name: string) => name.replace(/=/g, '=3D').replace(/,/g, '=2C')

/**
 * Logs in with a token.
 *
 * The response goes out in a second step, after the server's `334`, when the command would be longer than a server must
 * read: a signed token does not fit, and what servers say then (500, or 535 for a truncated line) misleads.
 *
 * A refusal comes as a challenge that wants an answer before the server says its last word: an empty line for XOAUTH2, one
 * byte 0x01 for OAUTHBEARER.
 *
 * @see RFC 7628 section 3, RFC 4954 section 4, https://developers.google.com/gmail/imap/xoauth2-protocol
 */
export async function loginWithToken(
  say: Say, mechanism: 'XOAUTH2' | 'OAUTHBEARER', login: { user: string; token: Secret; host: string; port: number },
): Promise<LoginResult> {
  const response = mechanism === 'XOAUTH2'
    ? base64(`user=${login.user}\u0001auth=Bearer ${login.token.reveal()}\u0001\u0001`)
    : base64(`n,a=${saslName(login.user)},\u0001host=${login.host}\u0001port=${login.port}\u0001auth=Bearer ${login.token.reveal()}\u0001\u0001`)
  let reply = await respond(say, mechanism, response)
  if (reply.code !== 334) return classify(reply, { challenged: false })
  reply = readReply(await say(mechanism === 'XOAUTH2' ? '' : 'AQ=='))
  // A server that goes on asking gets the cancellation of RFC 4954.
  if (reply.code === 334) reply = readReply(await say('*'))
  return classify(reply, { challenged: true })
}

/** Logs in with user name and password. @see RFC 4616 (PLAIN) */
export async function loginWithPassword(say: Say, mechanism: 'PLAIN' | 'LOGIN', login: { user: string; password: Secret }): Promise<LoginResult> {
  if (mechanism === 'PLAIN') {
    const reply = await respond(say, 'PLAIN', base64(`\u0000${login.user}\u0000${login.password.reveal()}`))
    return classify(reply.code === 334 ? readReply(await say('*')) : reply, { challenged: false })
  }
  let reply = readReply(await say('AUTH LOGIN'))
  for (const part of [base64(login.user), base64(login.password.reveal())]) {
    if (reply.code !== 334) return classify(reply, { challenged: false })
    reply = readReply(await say(part))
  }
  return classify(reply, { challenged: false })
}

async function respond(say: Say, mechanism: Mechanism, response: string): Promise<SmtpReply> {
  const command = `AUTH ${mechanism} ${response}`
  if (command.length + 2 <= longestCommand) return readReply(await say(command))
  const challenge = readReply(await say(`AUTH ${mechanism}`))
  return challenge.code === 334 ? readReply(await say(response)) : challenge
}

function classify(reply: SmtpReply, { challenged }: { challenged: boolean }): LoginResult {
  const { code, enhanced, text } = reply
  if (code >= 200 && code < 300) return { kind: 'accepted' }
  if (/line too long|too long|invalid base64/i.test(text) && code >= 500) return { kind: 'line_too_long', reply }
  if (isTransient(reply)) {
    // 454 4.7.0: Dovecot answers so when the authorization server does not know the token, and when it does not answer.
    const maybe = code === 454 || challenged || (code !== 421 && code !== 432 && (enhanced?.startsWith('4.7.') ?? false))
    return { kind: maybe ? 'maybe_token' : 'unavailable', reply }
  }
  if (adviseOn(reply)?.noTokenHelps === true) return { kind: 'forbidden', reply }
  if (code === 535 || code === 534 || challenged || (code !== 504 && code !== 530 && code !== 538 && (enhanced?.startsWith('5.7.') ?? false))) {
    return { kind: 'refused_token', reply }
  }
  if (code === 500 && (enhanced === '5.5.2' || enhanced === '5.5.6')) return { kind: 'line_too_long', reply }
  return { kind: code === 500 || (code >= 502 && code <= 504) ? 'mechanism_missing' : 'forbidden', reply }
}
