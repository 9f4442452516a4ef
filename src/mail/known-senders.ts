import { listSenderRows } from '../storage/senders.ts'
import type { MailContext } from './context.ts'
import { toSenderView } from './sender-view.ts'
import type { SenderView } from './types.ts'

/** Events after which a sender may be another one, or its credential be called otherwise. */
const changes: ReadonlySet<string> = new Set(['sender.changed', 'mail_options.changed', 'credential.changed', 'credential.deleted', 'events.missed'])

/** All senders, remembered until one of them is changed: every message that a program hands in asks for them. */
export class KnownSenders {
  readonly #context: Pick<MailContext, 'db' | 'isFresh'>
  #known: SenderView[] | null = null
  #changed = 0

  constructor(context: Pick<MailContext, 'db' | 'isFresh' | 'bus'>) {
    this.#context = context
    context.bus.listen(({ type }) => {
      if (!changes.has(type)) return
      this.#known = null
      this.#changed += 1
    })
  }

  /** Returns them in the order of their names; a change by another node counts a second later at most. */
  async list(): Promise<readonly SenderView[]> {
    if (this.#known !== null && this.#context.isFresh()) return this.#known
    const before = this.#changed
    const read = (await listSenderRows(this.#context.db)).map(toSenderView)
    // One that changed while they were read may stand there as it was.
    if (before === this.#changed) this.#known = read
    return read
  }
}
