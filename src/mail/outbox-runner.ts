import { service } from '../base/actor.ts'
import { watchSetBack } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import {
  bringMessagesForward,
  claimMessages,
  lockMessage,
  nextMessagesDue,
  prolongMessageLeases,
  replanStrayMessages,
  updateMessage,
  type MessageRow,
} from '../storage/messages.ts'
import { inTransaction } from '../storage/transaction.ts'
import { fromContent } from './content.ts'
import type { MailContext } from './context.ts'
import type { HeldMessages } from './held-messages.ts'
import type { DeliveryRoute, Routed } from './delivery-route.ts'
import { contentPlace } from './message-content.ts'
import { changeAfter, wayOf, writeOutcome } from './message-outcome.ts'
import { deliveryOfError, longestPause, problemOf, settleRecipients } from './settlement.ts'
import { priorityAt } from './message-priority.ts'
import type { Priority, Recipient } from './types.ts'

const leaseTime = 60_000
const heartbeat = 15_000
const longestSleep = 5_000
const claimSize = 20
const mostUnderWay = 40
/** How many of them may be of each priority: however long a newsletter is, there is a place for what a person waits for. */
const places = { high: 40, normal: 36, low: 20 } as const

/** Takes messages whose time has come, one node each, sends them, and writes down what came of it. */
export class OutboxRunner {
  readonly #context: MailContext
  readonly #route: Pick<DeliveryRoute, 'deliver'>
  readonly #held: Pick<HeldMessages, 'call' | 'noteHeld'>
  readonly #lease: string
  readonly #running = new Map<Promise<void>, Priority>()
  /** Ids of the messages that are being sent here. */
  readonly #underWay = new Set<string>()
  #loop: Promise<void> | undefined
  #beat: NodeJS.Timeout | undefined
  readonly #stop = new AbortController()
  #wakeUp: (() => void) | undefined
  #woken = false
  /** What is due waits for a place. */
  #isFull = false
  readonly #setBack: () => number
  /** Milliseconds by which the wall clock was set back, and planned tries must follow. */
  #behind = 0

  constructor(context: MailContext, route: Pick<DeliveryRoute, 'deliver'>, held: Pick<HeldMessages, 'call' | 'noteHeld'>) {
    this.#context = context
    this.#route = route
    this.#held = held
    this.#setBack = watchSetBack(context.clock)
    this.#lease = newId('lease', context.clock.now())
  }

  start(): void {
    this.#loop ??= this.#run()
    this.#beat ??= setInterval(() => {
      if (this.#running.size === 0) return
      prolongMessageLeases(this.#context.db, this.#lease, this.#context.clock.now() + leaseTime).catch((error: unknown) => {
        this.#context.log.warn('outbox.leases_not_prolonged', { error })
      })
    }, heartbeat).unref()
  }
  /** Stops taking messages and waits for those that are being sent. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#loop
    await Promise.allSettled(this.#running.keys())
    clearInterval(this.#beat)
  }
  /** Has it look at once for what is due. */
  wake(): void {
    this.#woken = true
    this.#wakeUp?.()
  }

  async #run(): Promise<void> {
    let isFirst = true
    while (!this.#stop.signal.aborted) {
      let wait = longestSleep
      this.#woken = false
      try {
        if (isFirst) await replanStrayMessages(this.#context.db, this.#context.clock.now(), this.#context.clock.now() + 2 * longestPause)
        isFirst = false
        wait = await this.#step()
      } catch (error) {
        this.#context.log.error('outbox.failed', { error })
        wait = 2000
      }
      if (wait > 0 && !this.#woken) await this.#sleep(wait)
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    const early = new AbortController()
    this.#wakeUp = () => early.abort()
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([early.signal, this.#stop.signal])).catch(() => undefined)
    this.#wakeUp = undefined
  }

  async #step(): Promise<number> {
    const { db, clock, dialect } = this.#context
    const free = mostUnderWay - this.#running.size
    if (free <= 0) {
      await Promise.race(this.#running.keys())
      return 0
    }
    this.#behind += this.#setBack()
    if (this.#behind > 0) {
      await bringMessagesForward(db, clock.now(), this.#behind)
      this.#behind = 0
    }
    const longest = Math.min(longestSleep, await this.#held.call())
    const now = clock.now()
    const next = await nextMessagesDue(db)
    const rooms = next.filter(({ due }) => due <= now).map(({ priority }) => ({ priority, room: this.#roomFor(priorityAt(priority)) }))
    this.#isFull = rooms.length > 0 && rooms.every(({ room }) => room <= 0)
    // Whatever ends or is taken wakes it up.
    if (rooms.length === 0 || this.#isFull) return Math.max(10, Math.min(longest, ...next.filter(({ due }) => due > now).map(({ due }) => due - now)))
    const claimed = await inTransaction(db, (trx) =>
      claimMessages(trx, dialect, { lease: this.#lease, now, until: now + leaseTime, limit: Math.min(free, claimSize), rooms }),
    )
    for (const row of claimed) {
      // Its lease ran out while the database was away, but it is still being sent here.
      if (this.#underWay.has(row.id)) continue
      this.#underWay.add(row.id)
      const work: Promise<void> = this.#send(row).finally(() => {
        this.#running.delete(work)
        this.#underWay.delete(row.id)
        if (this.#isFull) this.wake()
      })
      this.#running.set(work, priorityAt(row.priority))
    }
    // Everything that is due is under way here or on another node: look again when something changes.
    if (claimed.length === 0) return 250
    return 0
  }

  #roomFor(priority: Priority): number {
    return places[priority] - [...this.#running.values()].filter((one) => one === priority).length
  }

  async #send(row: MessageRow): Promise<void> {
    const waiting = (JSON.parse(row.recipients) as Recipient[]).filter((one) => one.state === 'waiting').map((one) => one.address)
    let routed: Routed
    try {
      routed = await this.#deliver(row, waiting)
    } catch (error) {
      this.#context.log.error('message.not_sent', { message: row.id, error })
      routed = { delivery: deliveryOfError(error), steps: [], sentBy: null, tryAgainAt: null, isHeld: false }
    }
    await this.#settleStubbornly(row, waiting, routed)
  }

  async #deliver(row: MessageRow, waiting: string[]): Promise<Routed> {
    const { db, vault } = this.#context
    const mime = fromContent((await vault.open(dataKeysOf(db), contentPlace(row.id), row.content)).reveal())
    return await this.#route.deliver(row, waiting, mime, { ...service, id: row.created_by, name: 'outbox' })
  }

  /**
   * Writes down what came of a message, and does not give up while the service runs: what a server has taken is sent a second
   * time when nobody remembers it.
   */
  async #settleStubbornly(row: MessageRow, tried: string[], routed: Routed): Promise<void> {
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      try {
        return await this.#settle(row, tried, routed)
      } catch (error) {
        this.#context.log.error('message.not_settled', { message: row.id, outcome: routed.delivery.kind, error })
        if (this.#stop.signal.aborted) return
        await this.#context.clock.sleep(wait, this.#stop.signal).catch(() => undefined)
      }
    }
  }

  async #settle(row: MessageRow, tried: string[], routed: Routed): Promise<void> {
    const { delivery } = routed
    const now = this.#context.clock.now()
    const outcome = await inTransaction(this.#context.db, async (trx) => {
      const current = await lockMessage(trx, row.id, this.#context.dialect)
      if (!current) return null
      const recipients = settleRecipients(JSON.parse(current.recipients) as Recipient[], tried, delivery, now)
      if (current.lease !== this.#lease) {
        // Another node took it over. Whom the server has accepted is remembered all the same: that node reads it when it settles.
        await updateMessage(trx, row.id, { recipients: JSON.stringify(recipients), ...wayOf(current, routed) })
        return null
      }
      const change = { ...changeAfter(current, recipients, routed, now), ...wayOf(current, routed) }
      await writeOutcome(this.#context, trx, current, { change, recipients, problem: problemOf(delivery, recipients) })
      return change.status
    })
    if (outcome === null) return
    if (outcome === 'queued' && routed.isHeld) this.#held.noteHeld(row.sender_id)
    this.#context.count(outcome === 'queued' ? 'delayed' : outcome)
    if (delivery.kind === 'unavailable' && delivery.code === 'mail_outcome_unknown') this.#context.count('outcome_unknown')
    await this.#context.wake()
  }
}
