import { service } from '../base/actor.ts'
import { isProblem } from '../base/problem.ts'
import { expireConsents, exchangingConsents, moveConsent, nextPoll } from '../storage/consents.ts'
import { dueCredentials, nextDue, readCredential, updateCredential } from '../storage/credentials.ts'
import { pruneEvents } from '../storage/events.ts'
import { deleteAttempt, interruptedAttempts } from '../storage/refresh-attempts.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { pollDeviceConsents } from './device-consent.ts'
import type { Renewer } from './refresh.ts'
import type { Revoker } from './revoke.ts'
import { warnOfEnds } from './warnings.ts'

const minute = 60_000
const longestSleep = 5_000

/**
 * Renews tokens before they run out, goes on with what a crash interrupted, polls device consents, and marks what will end
 * soon. One runs on every node; the leases keep them out of each other's way.
 */
export class Schedule {
  readonly #context: CredentialContext
  readonly #renewer: Renewer
  readonly #revoker: Revoker
  readonly #concurrency: number
  readonly #running = new Set<Promise<unknown>>()
  readonly #taken = new Set<string>()
  #stop = new AbortController()
  #loop: Promise<void> | undefined
  #housekeepingAt = 0
  #wake: (() => void) | undefined

  constructor(context: CredentialContext, parts: { renewer: Renewer; revoker: Revoker; concurrency: number }) {
    this.#context = context
    this.#renewer = parts.renewer
    this.#revoker = parts.revoker
    this.#concurrency = parts.concurrency
    context.bus.listen((event) => {
      if (event.type === 'credential.created' || event.type === 'credential.changed' || event.type === 'consent.started' || event.type === 'credential.resumed')
        this.#wake?.()
    })
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Ends the loop and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake?.()
    await this.#loop
    await Promise.allSettled(this.#running)
    await this.#renewer.settled()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let wait = longestSleep
      try {
        wait = await this.#step()
      } catch (error) {
        this.#context.log.error('schedule.failed', { error })
        wait = 2000
      }
      if (wait > 0) await this.#sleep(wait)
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    const early = new AbortController()
    this.#wake = () => early.abort()
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([early.signal, this.#stop.signal])).catch(() => undefined)
    this.#wake = undefined
  }

  /** Starts everything that is due and returns after how many milliseconds to look again. */
  async #step(): Promise<number> {
    const { db, clock } = this.#context
    const now = clock.now()
    if (now >= this.#housekeepingAt || now < this.#housekeepingAt - 2 * minute) {
      this.#housekeepingAt = now + minute
      await this.housekeep()
    }
    const free = this.#concurrency - this.#running.size
    if (free > 0) {
      const due = (await dueCredentials(db, now, free + this.#taken.size)).filter(({ id }) => !this.#taken.has(id)).slice(0, free)
      for (const { id, generation } of due) this.#start(id, generation)
      if (due.length === free) {
        await Promise.race(this.#running)
        return 0
      }
    } else {
      await Promise.race(this.#running)
      return 0
    }
    const poll = await this.#pollDevices()
    const next = [await nextDue(db), poll].filter((at): at is number => at !== null)
    return Math.max(20, Math.min(longestSleep, ...next.map((at) => at - clock.now())))
  }

  async #pollDevices(): Promise<number | null> {
    const next = await nextPoll(this.#context.db)
    return next !== null && next <= this.#context.clock.now() ? await pollDeviceConsents(this.#context) : next
  }

  #start(id: string, generation: number): void {
    this.#taken.add(id)
    const work: Promise<unknown> = this.#renewer
      .renew(id, { generation, actor: service, asked: 'by_schedule' })
      .then(async (outcome) => {
        // What cannot be renewed by the plan is taken off it; a person or a change puts it back.
        if (outcome.kind === 'not_possible') await updateCredential(this.#context.db, id, { refresh_due_at: null })
      })
      .catch((error: unknown) => this.#failed(id, error))
      .finally(() => {
        this.#running.delete(work)
        this.#taken.delete(id)
      })
    this.#running.add(work)
  }

  async #failed(id: string, error: unknown): Promise<void> {
    if (isProblem(error, 'not_found')) return
    this.#context.log.error('refresh.failed', { credential: id, error })
    // Whatever it was, the next try comes later, not at once.
    await updateCredential(this.#context.db, id, { refresh_due_at: this.#context.clock.now() + minute }).catch((again: unknown) =>
      this.#context.log.error('refresh.not_put_off', { credential: id, error: again }),
    )
  }

  /** Does what comes round every minute: ends what ran out, takes up what was left behind, warns of what ends. */
  async housekeep(): Promise<void> {
    const now = this.#context.clock.now()
    await expireConsents(this.#context.db, now, now - 24 * 60 * minute)
    await this.recover()
    await warnOfEnds(this.#context)
    await this.#revoker.carryOutDue()
    await pruneEvents(this.#context.db, 10_000)
  }

  /** Takes up what a process left behind when it died: answers that were kept but not settled, requests without an answer. */
  async recover(): Promise<void> {
    const { db, clock } = this.#context
    for (const attempt of await interruptedAttempts(db, clock.now(), 1000)) {
      const row = await readCredential(db, attempt.credential_id)
      if (!row || this.#taken.has(row.id)) continue
      if (attempt.grant_type === 'authorization_code' || attempt.grant_type === 'device_code') await this.#recoverConsent(row.id, attempt.state)
      else if (row.refresh_due_at === null || row.refresh_due_at > clock.now()) await updateCredential(db, row.id, { refresh_due_at: clock.now() })
    }
  }

  /** A code counts once: an answer that was kept is settled, a request without one ends the consent. */
  async #recoverConsent(credentialId: string, state: string): Promise<void> {
    const { db, clock } = this.#context
    const consents = await exchangingConsents(db, credentialId)
    if (state === 'answered') {
      await this.#renewer.settleKept(credentialId, consents[0]?.id)
      return
    }
    const reason = {
      code: 'interrupted',
      message: 'Keybearer was interrupted while it waited for the provider, and a code can be used only once.',
      nextStep: { action: 'connect', text: 'Start the consent again.' },
    }
    await inTransaction(db, async (trx) => {
      for (const consent of consents) {
        const back = consent.mode === 'device' && consent.expires_at > clock.now()
        await moveConsent(
          trx,
          consent.id,
          'exchanging',
          back
            ? { status: 'waiting', next_poll_at: clock.now() }
            : { status: 'failed', secret: null, finished_at: clock.now(), problem: JSON.stringify(reason) },
        )
      }
      await deleteAttempt(trx, credentialId)
    })
  }
}
