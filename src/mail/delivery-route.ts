import type { Actor } from '../base/actor.ts'
import { findSender, type SenderRow } from '../storage/senders.ts'
import type { MessageRow } from '../storage/messages.ts'
import { isAboutAccount } from './account-gate.ts'
import type { MailContext } from './context.ts'
import { allWays, fallbacksOf, type FallbackCause } from './mail-options.ts'
import { fromSender } from './message-from.ts'
import { priorityAt } from './message-priority.ts'
import type { HeldMessages } from './held-messages.ts'
import { addLine } from './message-line.ts'
import { noticesId } from './notice-judge.ts'
import { toSenderView } from './sender-view.ts'
import type { Judgement } from '../credentials/diagnosis.ts'
import type { Surface } from '../base/diagnosis.ts'
import type { SendersByKind } from './sender.ts'
import type { Delivery, RouteStep, SenderView } from './types.ts'

/** What one attempt came to, and by which ways it was tried. */
export type Routed = {
  delivery: Delivery
  steps: RouteStep[]
  /** The sender that delivered to somebody. */
  sentBy: string | null
  /** When the next attempt may go another way; null: nothing of the kind. */
  tryAgainAt: number | null
  /** The message waits for its own sender's server to come back. */
  isHeld: boolean
}

/** Finds the way of a message: its sender, and where that one fails, what stands in for it. Never silently. */
export class DeliveryRoute {
  readonly #context: MailContext
  readonly #ways: SendersByKind
  /** Since when a sender's server is out of reach, as far as this node knows. */
  readonly #awaySince = new Map<string, number>()

  readonly #held: Pick<HeldMessages, 'note' | 'noteBack'>

  constructor(context: MailContext, ways: SendersByKind, held: Pick<HeldMessages, 'note' | 'noteBack'>) {
    this.#context = context
    this.#ways = ways
    this.#held = held
  }

  /** Tries a message once, by every way that the email options allow for what went wrong before. */
  async deliver(row: MessageRow, to: string[], mime: Buffer, actor: Actor): Promise<Routed> {
    const { db, clock } = this.#context
    const senderRow = await findSender(db, row.sender_id)
    if (!senderRow) {
      const delivery: Delivery = { kind: 'refused', code: 'mail_refused', permanent: true, reply: null, message: 'The sender was deleted.' }
      return { delivery, steps: [], sentBy: null, tryAgainAt: null, isHeld: false }
    }
    const sender = toSenderView(senderRow)
    const first = await this.#explain(
      sender,
      await this.#ways[sender.kind].deliver(sender, { from: row.envelope_from, to, priority: priorityAt(row.priority) }, mime, actor),
    )
    this.#held.note(sender.id, first)
    const cause = causeOf(first)
    const firstStep = stepOf(sender, first, clock.now())
    const steps = first.notAsked === true ? [] : [firstStep]
    const since = this.#noteReach(row, sender, cause)
    if (first.kind === 'sent') return { delivery: first, steps, sentBy: sender.id, tryAgainAt: null, isHeld: false }

    const routed: Routed = { delivery: first, steps, sentBy: null, tryAgainAt: null, isHeld: isAboutAccount(first) }
    if (cause === null) return routed
    const isNotice = row.created_by === noticesId
    const fallbacks = await this.#standIns(sender.id, cause, isNotice)
    if (fallbacks.length === 0) return routed
    // A server that is away for a moment is waited for: mail from another address than usual is worse than late mail.
    if (cause === 'unreachable' && clock.now() - since < this.#context.fallbackAfter) return { ...routed, tryAgainAt: since + this.#context.fallbackAfter }
    // Why it goes another way stands in its line, whoever found out.
    if (first.notAsked === true) steps.push(firstStep)
    for (const fallbackRow of fallbacks) {
      const fallback = toSenderView(fallbackRow)
      const own = await fromSender(mime, fallback, row.envelope_from)
      const told = isNotice ? addLine(own, wayInWords(fallback.name, sender.name, cause)) : own
      const delivery = await this.#ways[fallback.kind].deliver(fallback, { from: fallback.from, to, priority: priorityAt(row.priority) }, told, actor)
      this.#held.note(fallback.id, delivery)
      steps.push(stepOf(fallback, delivery, clock.now()))
      if (delivery.kind === 'sent') return { ...routed, delivery, sentBy: fallback.id }
      // As long as one way is only closed for now, the message waits for it.
      if (isFinal(routed.delivery) && !isFinal(delivery)) routed.delivery = delivery
    }
    return routed
  }

  /**
   * Returns what stands in for a sender that failed. A notice goes by every way there is, whatever the conditions: it may be
   * about the very credential that it should have gone through.
   */
  async #standIns(senderId: string, cause: FallbackCause, isNotice: boolean): Promise<SenderRow[]> {
    const { db } = this.#context
    if (isNotice) return (await allWays(db)).filter((row) => row.id !== senderId)
    return (await fallbacksOf(db, senderId)).filter(({ when }) => when.includes(cause)).map(({ sender }) => sender)
  }

  /** Connects and logs in, and sends nothing. */
  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    const outcome = await this.#ways[sender.kind].tryLogin(sender, actor)
    if (outcome !== 'in') return await this.#explain(sender, outcome)
    this.#ways[sender.kind].reopen()
    this.#held.noteBack(sender.id)
    return outcome
  }

  /**
   * Adds what the server's words mean. What becomes of the message was decided before, by the reply's first digit, so that a
   * database which is away at this moment must not make anything else of it.
   */
  async #explain(sender: SenderView, delivery: Delivery): Promise<Delivery> {
    const failure = failureOf(delivery, sender.kind)
    if (failure === null) return delivery
    try {
      const diagnosis = await this.#context.credentials.diagnoseReply(sender.credential?.id ?? null, { ...failure, host: sender.host })
      return diagnosis === null ? delivery : { ...delivery, diagnosis }
    } catch (error) {
      this.#context.log.warn('message.not_diagnosed', { sender: sender.id, error })
      return delivery
    }
  }

  /** Returns since when the server is out of reach: by what this node saw, or by what the message's own way says. */
  #noteReach(row: MessageRow, sender: SenderView, cause: FallbackCause | null): number {
    const now = this.#context.clock.now()
    if (cause !== 'unreachable') {
      this.#awaySince.delete(sender.id)
      return now
    }
    const before = (JSON.parse(row.route) as RouteStep[]).findLast((step) => step.sender.id === sender.id)
    const since = Math.min(this.#awaySince.get(sender.id) ?? now, before?.outcome === 'unreachable' ? before.at : now)
    this.#awaySince.set(sender.id, since)
    return since
  }
}

function failureOf(delivery: Delivery, kind: SenderView['kind']): { text: string; surface: Surface; judged: Judgement } | null {
  const judgedBy = (reply: string): Judgement => (reply.startsWith('5') ? 'refused' : reply.startsWith('4') ? 'passing' : 'unjudged')
  if (kind !== 'smtp') return apiFailureOf(delivery, `${kind}_api`)
  switch (delivery.kind) {
    case 'sent': {
      const [first] = delivery.refused
      return first === undefined ? null : { text: first.reply, surface: 'smtp_data', judged: judgedBy(first.reply) }
    }
    case 'refused': {
      const text = delivery.reply ?? delivery.message
      return { text, surface: delivery.code === 'mail_auth_refused' ? 'smtp_auth' : 'smtp_data', judged: judgedBy(text) }
    }
    case 'unavailable':
      if (delivery.code !== 'mail_unavailable') return null
      return delivery.reply === null
        ? { text: delivery.message, surface: 'network', judged: 'unjudged' }
        : { text: delivery.reply, surface: 'smtp_auth', judged: judgedBy(delivery.reply) }
  }
}

/** What an API says for good and what passes was told apart when it was judged; its status alone does not tell. */
function apiFailureOf(delivery: Delivery, surface: Surface): { text: string; surface: Surface; judged: Judgement } | null {
  if (delivery.kind === 'sent') return null
  if (delivery.reply !== null) return { text: delivery.reply, surface, judged: delivery.kind === 'refused' ? 'refused' : 'passing' }
  return delivery.kind === 'unavailable' && delivery.code === 'mail_unavailable' && delivery.retryAfter === undefined
    ? { text: delivery.message, surface: 'network', judged: 'unjudged' }
    : null
}

const causeWords: Record<FallbackCause, string> = {
  unreachable: 'its server is out of reach',
  refused: 'its server refused the login or the address',
  credential_not_ready: 'its credential needs a person',
}

const wayInWords = (through: string, instead: string, cause: FallbackCause): string =>
  `This mail went out through "${through}" in place of "${instead}", because ${causeWords[cause]}.`

const isFinal = (delivery: Delivery): boolean => delivery.kind === 'refused' && delivery.permanent

/** What is wrong on the provider's or the network's side, and passes. */
const awayCodes = new Set(['mail_unavailable', 'provider_unavailable', 'clock_skew', 'outgoing_failed', 'address_not_allowed'])
/** What a person has to put right at the credential. */
const notReadyCodes = new Set(['incomplete', 'needs_consent', 'misconfigured', 'paused', 'destination_not_allowed', 'wrong_kind', 'not_found', 'ttl_too_long'])

/** Returns why another way may help; null when none would: a bad recipient or message is refused everywhere. */
export function causeOf(delivery: Delivery): FallbackCause | null {
  switch (delivery.kind) {
    case 'sent':
      return null
    case 'refused':
      if (delivery.code === 'mail_auth_refused') return 'refused'
      return delivery.permanent && delivery.about === 'sender' ? 'refused' : null
    case 'unavailable':
      if (awayCodes.has(delivery.code)) return 'unreachable'
      return notReadyCodes.has(delivery.code) ? 'credential_not_ready' : null
  }
}

function stepOf(sender: SenderView, delivery: Delivery, at: number): RouteStep {
  const about = { sender: { id: sender.id, name: sender.name }, at }
  const reply = delivery.reply?.slice(0, 300) ?? null
  if (delivery.kind === 'sent') return { ...about, outcome: 'sent', reason: null, reply }
  return { ...about, outcome: causeOf(delivery) ?? 'failed', reason: delivery.code, reply }
}

const mostSteps = 50

/** Adds the steps of an attempt to those before. One that only repeats the step before it keeps the time of the first. */
export function addSteps(before: RouteStep[], steps: RouteStep[]): RouteStep[] {
  const same = (a: RouteStep | undefined, b: RouteStep) => a?.sender.id === b.sender.id && a.outcome === b.outcome && a.reason === b.reason
  const route = [...before]
  for (const step of steps) {
    const last = route.at(-1)
    if (steps.length > 1 || last === undefined || !same(last, step)) route.push(step)
    else route[route.length - 1] = { ...last, reply: step.reply ?? null, times: (last.times ?? 1) + 1, lastAt: step.at }
  }
  return route.slice(-mostSteps)
}
