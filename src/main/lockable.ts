import type { Log } from '../base/log.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { RelayAddress } from '../mail/relay.ts'
import type { Sealed, Unlocking } from './sealed.ts'

export type Where = { host: string; port: number; relay: RelayAddress[] }

/** The service as it works: all its parts, and the servers before them. */
export type Unlocked = {
  listen(): Promise<Where>
  /** Stops everything. `why` is what late callers are told. */
  stop(why?: Problem): Promise<void>
  /** Opens nothing any more, from this moment on. */
  refuseOpening(): void
  /** Overwrites the keys. */
  destroyKeys(): void
  isLocked(): Promise<boolean>
  onLocked(listener: () => void): void
  recordUnlocking(unlocking: Unlocking): Promise<void>
}

type Ways = {
  /** @throws Problem locked */
  open: (passphrase: Secret | null) => Promise<Unlocked>
  seal: (options: { waitsForPassphrase: boolean; onUnlock: (unlocking: Unlocking) => void }) => Promise<Sealed>
  port: number
  host: string
  log: Log
}

const pauseAfterFailure = 2000

/**
 * A service that is either unlocked or locked, and changes between the two at one address. What belongs to the one is gone
 * before the other begins, so that a locked service has nothing that a mistake could open.
 */
export class Lockable {
  readonly #ways: Ways
  #unlocked: Unlocked | null = null
  #sealed: Sealed | null = null
  /** Changes come one after another. */
  #change: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(ways: Ways) {
    this.#ways = ways
  }

  /** Opens it as it was left: locked if it was locked. @throws Problem see `startParts` */
  async open(): Promise<void> {
    try {
      this.#take(await this.#ways.open(null))
    } catch (error) {
      if (!isProblem(error, 'locked')) throw error
      this.#ways.log.warn('service.locked', { reason: error.message })
      await this.#seal(error.facts.waits_for_passphrase === true)
    }
  }

  async listen(): Promise<Where> {
    const { port, host } = this.#ways
    const where = this.#unlocked === null ? { ...(await this.#sealed!.listen(port, host)), relay: [] } : await this.#unlocked.listen()
    // The row may have been written between the look at it and the first event that was heard.
    if (this.#unlocked !== null && (await this.#unlocked.isLocked())) this.#plan(() => this.#lock())
    return where
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#change
    await this.#unlocked?.stop()
    await this.#sealed?.close()
  }

  #plan(change: () => Promise<void>): void {
    this.#change = this.#change
      .then(async () => {
        if (this.#stopped) return
        await change()
      })
      .catch((error: unknown) => {
        // Half a change is worse than none: whatever watches over the process starts it again, and it finds the row.
        this.#ways.log.error('lock.not_changed', { error })
        process.exit(70)
      })
  }

  #take(unlocked: Unlocked): void {
    this.#unlocked = unlocked
    unlocked.onLocked(() => {
      if (this.#unlocked !== unlocked) return
      // At once, whatever else is under way.
      unlocked.refuseOpening()
      this.#plan(() => this.#lock())
    })
  }

  async #lock(): Promise<void> {
    const unlocked = this.#unlocked
    if (unlocked === null) return
    this.#ways.log.warn('service.locking')
    unlocked.refuseOpening()
    await unlocked.stop(new Problem('locked', 'The service is locked: nothing is opened, and no job runs.'))
    unlocked.destroyKeys()
    this.#unlocked = null
    await this.#seal(false)
    await this.#sealed!.listen(this.#ways.port, this.#ways.host)
    this.#ways.log.warn('service.locked')
  }

  async #seal(waitsForPassphrase: boolean): Promise<void> {
    this.#sealed = await this.#ways.seal({ waitsForPassphrase, onUnlock: (unlocking) => this.#plan(() => this.#unlock(unlocking)) })
  }

  async #unlock(unlocking: Unlocking): Promise<void> {
    const { log } = this.#ways
    await this.#sealed?.close()
    this.#sealed = null
    try {
      const unlocked = await this.#ways.open(unlocking.passphrase)
      await unlocked.recordUnlocking(unlocking)
      this.#take(unlocked)
    } catch (error) {
      log.error('service.not_unlocked', { error })
      await new Promise((done) => setTimeout(done, unlocking.actor === null ? pauseAfterFailure : 0))
      await this.#seal(isProblem(error, 'locked') && error.facts.waits_for_passphrase === true)
      await this.#sealed!.listen(this.#ways.port, this.#ways.host)
      return
    }
    await this.listen()
  }
}
