import type { Clock } from '../base/clock.ts'
import type { Event, EventBus } from '../base/events.ts'
import { lastEventSeq, readEvents } from './events.ts'
import type { Database } from './tables.ts'

const page = 500

/**
 * Follows the events of all nodes and tells them to this process, in order and each once. It looks every 200 ms, and at
 * once when this process says that it has committed something.
 *
 * Caches rely on `isFresh`: while it is true, no other node changed anything more than a second ago unheard. Where events
 * were deleted before they were read here, `events.missed` says so, and a cache forgets everything.
 */
export class EventTail {
  readonly #db: Database
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #interval: number
  readonly #onError: (error: unknown) => void
  #seq = 0
  #freshAt = -Infinity
  #looking: Promise<void> | undefined
  #again = false
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: { db: Database; bus: EventBus; clock: Clock; onError: (error: unknown) => void; interval?: number }) {
    this.#db = options.db
    this.#bus = options.bus
    this.#clock = options.clock
    this.#interval = options.interval ?? 200
    this.#onError = options.onError
  }

  /** Begins with what comes from now on. */
  async start(): Promise<void> {
    this.#seq = await lastEventSeq(this.#db)
    this.#freshAt = this.#clock.monotonic()
    this.#plan()
  }

  get isFresh(): boolean {
    return this.#clock.monotonic() - this.#freshAt < 1000
  }

  /**
   * Looks at once; resolves when everything committed before the call has been told. Whoever gives what he has just committed
   * spares reading it, where nothing else came in between.
   */
  async wake(committed: Event[] = []): Promise<void> {
    if (!this.#looking && committed[0]?.seq === this.#seq + 1) return this.#tell(committed)
    if (this.#looking) {
      this.#again = true
      return await this.#looking
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  #plan(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      void this.wake().then(() => this.#plan())
    }, this.#interval)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    do {
      this.#again = false
      try {
        const at = this.#clock.monotonic()
        for (;;) {
          const events = await readEvents(this.#db, this.#seq, page)
          if (events[0] !== undefined && events[0].seq > this.#seq + 1) this.#tellOfGap()
          this.#tell(events)
          if (events.length < page) break
        }
        this.#freshAt = at
      } catch (error) {
        if (this.#stopped) return
        this.#onError(error)
      }
    } while (this.#again && !this.#stopped)
  }

  /** One event alone is deleted too, of which nobody need hear: then it is a false alarm, and costs a few readings. */
  #tellOfGap(): void {
    this.#bus.publish({ seq: 0, at: this.#clock.now(), type: 'events.missed', subject: null, data: {} })
  }

  #tell(events: Event[]): void {
    for (const event of events) {
      this.#seq = event.seq
      this.#bus.publish(event)
    }
  }
}
