import { service } from '../base/actor.ts'
import { deleteEndedMessages } from '../storage/messages.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { MailContext } from './context.ts'

const interval = 3_600_000
/** So many at a time, so that nobody waits for long. */
const batch = 500

/** Deletes messages with which nothing happens any more, when they were kept for long enough. What was sent stays in the audit trail. */
export class MessageRetention {
  readonly #context: Pick<MailContext, 'db' | 'clock' | 'audit' | 'log' | 'keepFor'>
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined

  constructor(context: Pick<MailContext, 'db' | 'clock' | 'audit' | 'log' | 'keepFor'>) {
    this.#context = context
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#context
    while (!this.#stop.signal.aborted) {
      await this.clean().catch((error: unknown) => log.error('messages.not_deleted', { error }))
      await clock.sleep(interval, this.#stop.signal).catch(() => undefined)
    }
  }

  /** Deletes what is old now, and returns how many messages that were. */
  async clean(): Promise<number> {
    const { db, clock, audit, keepFor } = this.#context
    const before = clock.now() - keepFor
    let deleted = 0
    for (;;) {
      const count = await inTransaction(db, async (trx) => {
        const found = await deleteEndedMessages(trx, before, batch)
        if (found > 0) {
          await audit.append(trx, [
            { actor: service, action: 'message.forgotten', outcome: 'done', detail: { messages: found, ended_before: new Date(before).toISOString() } },
          ])
        }
        return found
      })
      deleted += count
      if (count < batch || this.#stop.signal.aborted) return deleted
    }
  }
}
