import { jitter } from '../base/ids.ts'
import { isProblem } from '../base/problem.ts'
import { isAboutAccount } from './account-gate.ts'
import type { Delivery, MessageProblem, Recipient } from './types.ts'

/** No message waits longer than this for its next try. */
export const longestPause = 3_600_000

/** Applies what a delivery came to. A recipient that was accepted stays accepted. */
export function settleRecipients(recipients: Recipient[], tried: string[], delivery: Delivery, at: number): Recipient[] {
  // Nothing was said about anybody.
  if (delivery.notAsked === true) return recipients
  const refused = new Map<string, { reply: string; permanent: boolean }>()
  const said = delivery.kind === 'sent' ? delivery.refused : delivery.kind === 'refused' ? (delivery.recipients ?? []) : []
  for (const one of said) refused.set(one.address, one)
  return recipients.map((one): Recipient => {
    if (one.state !== 'waiting') return one
    const refusal = refused.get(one.address)
    if (refusal) return { ...one, state: refusal.permanent ? 'refused' : 'waiting', reply: refusal.reply, at }
    switch (delivery.kind) {
      case 'sent':
        return tried.includes(one.address) ? { ...one, state: 'sent', reply: delivery.reply, at } : one
      case 'refused':
        return { ...one, state: delivery.permanent ? 'refused' : 'waiting', reply: delivery.reply, at }
      case 'unavailable':
        return { ...one, reply: delivery.reply, at }
    }
  })
}

/** Says why a message was not sent to everybody, and what to do. */
export function problemOf(delivery: Delivery, recipients: Recipient[]): MessageProblem | null {
  const problem = problemWithout(delivery, recipients)
  return problem === null || delivery.diagnosis == null ? problem : { ...problem, diagnosis: delivery.diagnosis }
}

function problemWithout(delivery: Delivery, recipients: Recipient[]): MessageProblem | null {
  switch (delivery.kind) {
    case 'sent': {
      const refused = recipients.filter((one) => one.state !== 'sent')
      if (refused.length === 0) return null
      return {
        code: 'mail_refused',
        message: `The server refused ${refused
          .map((one) => one.address)
          .join(', ')
          .slice(0, 300)}.`,
        nextStep: "Check the addresses; the server's words stand beside each.",
        reply: refused[0]?.reply ?? null,
      }
    }
    case 'refused':
      return { code: delivery.code, message: delivery.message, reply: delivery.reply, nextStep: delivery.nextStep ?? stepAfterRefusal(delivery) }
    case 'unavailable':
      return { code: delivery.code, message: delivery.message, reply: delivery.reply, nextStep: delivery.nextStep ?? stepWhenAway(delivery) }
  }
}

/** 30 s, 1 min, 2 min … an hour, a random half less; longer when the other side asks for it. */
export function retryPause(attempts: number, delivery: Delivery): number {
  const pause = jitter(Math.min(30_000 * 2 ** Math.min(Math.max(attempts - 1, 0), 12), longestPause))
  const asked = delivery.kind === 'unavailable' ? (delivery.retryAfter ?? 0) : 0
  return Math.max(pause, Math.min(asked, longestPause))
}

const stepWhenAway = (delivery: Delivery): string =>
  isAboutAccount(delivery) ? 'Nothing: it goes out as soon as the server takes mail again.' : 'Nothing: it is tried again by itself.'

function stepAfterRefusal(delivery: Delivery & { kind: 'refused' }): string {
  if (delivery.code === 'mail_auth_refused')
    return 'Check that the credential has the scope for sending mail, that the login is the right mailbox, and that SMTP AUTH is switched on for it.'
  return delivery.permanent ? 'Correct what the server names, then retry the message.' : 'Nothing: it is tried again by itself.'
}

/** Makes a delivery of what went wrong on our own side. What can never work, such as a damaged content, is not tried for days. */
export function deliveryOfError(error: unknown): Delivery {
  if (!isProblem(error)) {
    return { kind: 'unavailable', code: 'internal_error', message: 'The service made a mistake; what exactly stands in its log.', reply: null }
  }
  const { code, message, nextStep } = error
  if (code === 'decrypt_failed') {
    return {
      kind: 'refused',
      code,
      permanent: true,
      reply: null,
      message: 'The stored message cannot be opened.',
      nextStep: 'It was damaged or moved. Send it again.',
    }
  }
  return { kind: 'unavailable', code, message, nextStep, reply: null, ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter * 1000 }) }
}
