import type { Submission } from '../access/idempotency.ts'
import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import type { MailContext } from './context.ts'
import { chooseSender, type ForeignFrom } from './from-rules.ts'
import type { Limiter } from './key-limits.ts'
import { KnownSenders } from './known-senders.ts'
import { fromField } from './message-from.ts'
import { priorityOf } from './message-priority.ts'
import { mostRecipients, normalizeAddress } from './message.ts'
import type { Outbox } from './outbox.ts'
import { finishRaw, fromOf, mailDate, namedRecipients, readRaw, withoutFrom } from './raw-message.ts'
import type { Priority, SenderView } from './types.ts'

export type RawOrder = {
  mime: Buffer
  /** The sender of the envelope; empty: none was given. */
  mailFrom: string
  /** Everybody who gets it. `named`: whom To, Cc and Bcc name. */
  to: string[] | 'named'
  /** Chosen by whoever brings it; id or name. Otherwise it is chosen by From. */
  sender?: string
  /** Whether it may go through this sender. */
  maySend: (sender: SenderView) => boolean
  /** Keeps whoever brings it to his limits. */
  limiter?: Limiter
  /** The one sender of whoever brings it: From is its own address, whatever the message says. */
  isForced?: boolean
  /** How it came, for its Received line; null: none is written. */
  trace: { helo: string; address: string; protocol: string; by: string } | null
  by: 'relay' | 'raw'
  submission?: Submission
  /** By its header, unless told. */
  priority?: Priority
}

/** Takes finished messages: chooses the sender, keeps From honest, and gives them to the outbox. */
export class RawIntake {
  readonly #context: MailContext
  readonly #outbox: Pick<Outbox, 'acceptRaw'>
  readonly #foreignFrom: ForeignFrom
  readonly #senders: KnownSenders

  constructor(context: MailContext, outbox: Pick<Outbox, 'acceptRaw'>, options: { foreignFrom: ForeignFrom }) {
    this.#context = context
    this.#outbox = outbox
    this.#foreignFrom = options.foreignFrom
    this.#senders = new KnownSenders(context)
  }

  /**
   * Takes a message and returns its id when it is on disk.
   *
   * Invariant: the envelope is the truth. Nobody gets a message whom `to` does not name.
   *
   * @throws Problem mail_invalid, no_sender, not_found, not_allowed, payload_too_large, rate_limited, storage_full
   */
  async accept(order: RawOrder, actor: Actor): Promise<string> {
    const { maxBytes, clock } = this.#context
    if (order.mime.length > maxBytes) throw new Problem('payload_too_large', `The message has ${order.mime.length} bytes; at most ${maxBytes} are allowed.`)
    const read = readRaw(order.mime)
    // Names of a machine, such as root, are nobody's address: the sender's own stands in their place.
    const { addresses, local } = fromOf(read)
    const message = local === null ? read : withoutFrom(read)
    const recipients = readRecipients(order.to === 'named' ? namedRecipients(message) : order.to)
    const written = local === null ? addresses : []
    const given = written.length > 0 ? written : [normalizeAddress(order.mailFrom)].filter((address) => address !== null)
    const { sender, fits } = chooseSender(await this.#usable(order), given, order.sender !== undefined)
    const isOwn = given.length === 0 || (fits && (order.isForced !== true || given[0] === sender.from))
    const rule = sender.foreignFrom ?? this.#foreignFrom
    if (!isOwn && order.isForced !== true && rule === 'refuse') {
      throw new Problem('not_allowed', `From is ${given.join(', ').slice(0, 200)}, which belongs to no sender that may be used here.`, {
        nextStep: `Write From: ${sender.from}, make a sender for that address, have a sender take it, or set KEYBEARER_RELAY_FROM=rewrite.`,
      })
    }
    const rewrite = !isOwn && (order.isForced === true || rule === 'rewrite' || given.length > 1)
    const from = rewrite ? sender.from : (given[0] ?? sender.from)
    const now = clock.now()
    const finished = finishRaw(message, {
      from,
      newFrom: rewrite || given.length === 0 || local !== null ? await fromField({ from, fromName: local?.name || sender.fromName }) : null,
      received: order.trace === null ? null : receivedLine(order.trace, now),
      now,
    })
    const keep = () =>
      this.#outbox.acceptRaw(
        {
          ...finished,
          sender,
          envelopeFrom: from,
          recipients,
          by: order.by,
          ...(order.submission && { submission: order.submission }),
          priority: order.priority ?? priorityOf(message.fields),
        },
        actor,
      )
    return order.limiter === undefined ? await keep() : await order.limiter({ bytes: order.mime.length, recipients: recipients.length }, keep)
  }

  async #usable(order: RawOrder): Promise<SenderView[]> {
    const usable = (await this.#senders.list()).filter(order.maySend)
    if (order.sender === undefined) {
      if (usable.length > 0) return usable
      throw new Problem('no_sender', 'There is no sender that may be used here.', {
        nextStep: 'Make a sender, or give the access key the right "mail" on the credential of one.',
      })
    }
    const named = usable.filter((sender) => sender.id === order.sender || sender.name.toLowerCase() === order.sender?.toLowerCase())
    if (named.length === 0) throw new Problem('not_found', `There is no sender "${order.sender.slice(0, 100)}" that may be used here.`)
    return named
  }
}

function readRecipients(texts: string[]): string[] {
  const addresses = texts.map((text) => {
    const address = normalizeAddress(text)
    if (address === null) throw new Problem('mail_invalid', `"${text.slice(0, 100)}" is not a mail address.`)
    return address
  })
  const recipients = [...new Map(addresses.map((address) => [address.toLowerCase(), address])).values()]
  if (recipients.length === 0) throw new Problem('mail_invalid', 'The message names no recipient.')
  if (recipients.length > mostRecipients)
    throw new Problem('mail_invalid', `The message has ${recipients.length} recipients; at most ${mostRecipients} are allowed.`)
  return recipients
}

/** @see RFC 5321 section 4.4 */
function receivedLine({ helo, address, protocol, by }: NonNullable<RawOrder['trace']>, now: number): string {
  const word = (text: string) => text.replace(/[^A-Za-z0-9.:_[\]-]/g, '_').slice(0, 255)
  const literal = address.includes(':') ? `IPv6:${word(address)}` : word(address)
  return `Received: from ${word(helo)} ([${literal}])\r\n\tby ${word(by)} (Keybearer) with ${protocol};\r\n\t${mailDate(now)}`
}
