/** What a commit group does to the database. */
export type CommitTarget = {
  /** Runs one of the statements below. A commit need not be on disk when it returns. */
  run(sql: string): void
  /** Resolves when everything that was committed before the call is on disk. */
  sync(): Promise<void>
  /** Whether a transaction is open: some errors end it without being asked. */
  readonly isOpen: boolean
}

type Member = { resolve: () => void; reject: (error: unknown) => void }

const mostMembers = 100
/** For company that keeps coming in, a group stays open at most so many turns of the event loop. */
const mostTurns = 4

/**
 * Lets transactions that come together share one commit, and commits that come together one wait for the disk. Each transaction
 * runs alone, in the order in which they came, inside a savepoint of one transaction; that is committed when the event loop has
 * gone round without bringing another one, or after some rounds. While the disk is at work, further groups run and commit.
 *
 * Invariant: `commit` resolves after the shared commit is on disk, and rejects for every member when it fails.
 * Invariant: after a sync that failed nothing is written any more: what the system did with the pages nobody knows, and a later
 * sync that succeeds would not speak of them.
 */
export class CommitGroup {
  readonly #target: CommitTarget
  readonly #waiting: (() => void)[] = []
  #isTaken = false
  #isOpen = false
  #isDue = false
  /** How many transactions came at all. */
  #came = 0
  #members: Member[] = []
  /** Whose work is committed, and not known to be on disk. */
  #unsynced: Member[] = []
  #isSyncing = false
  #broken: { cause: unknown } | null = null

  constructor(target: CommitTarget) {
    this.#target = target
  }

  /** Resolves when it is the caller's turn and nobody else's, with a transaction begun that only the caller sees end. */
  async begin(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    try {
      if (this.#broken !== null) throw this.#broken.cause
      if (!this.#isOpen) {
        this.#target.run('begin immediate')
        this.#isOpen = true
        this.#waitForCompany(1)
      }
      this.#came += 1
      this.#target.run('savepoint member')
    } catch (error) {
      this.#pass()
      throw error
    }
  }

  /** Ends the caller's turn and resolves when its work is on disk. */
  async commit(): Promise<void> {
    try {
      this.#target.run('release member')
    } catch (error) {
      this.rollback(error)
      throw error
    }
    const committed = new Promise<void>((resolve, reject) => this.#members.push({ resolve, reject }))
    this.#pass()
    await committed
  }

  /** Ends the caller's turn and undoes its work; that of the others stays, unless the error has ended it too. */
  rollback(cause: unknown): void {
    if (this.#isOpen && this.#target.isOpen) {
      this.#target.run('rollback to member')
      this.#target.run('release member')
    } else {
      this.fail(cause)
    }
    this.#pass()
  }

  /** Tells everybody whose work was undone by the database itself. */
  fail(cause: unknown): void {
    const members = this.#members
    this.#members = []
    this.#isOpen = false
    this.#isDue = false
    for (const member of members) member.reject(cause)
  }

  /** Ends the group after a turn of the event loop in which nobody came. */
  #waitForCompany(turn: number): void {
    const before = this.#came
    setImmediate(() => {
      if (turn < mostTurns && this.#isOpen && this.#came > before) this.#waitForCompany(turn + 1)
      else this.#comeDue()
    })
  }

  #comeDue(): void {
    if (!this.#isOpen) return
    this.#isDue = true
    if (!this.#isTaken) this.#finish()
  }

  /** Gives the turn to the next one; between two groups the open one is committed. */
  #pass(): void {
    if (this.#isOpen && (this.#isDue || this.#members.length >= mostMembers)) this.#finish()
    const next = this.#waiting.shift()
    // Invariant: the turn stays taken while it goes from one to the next, so that nobody comes in between.
    if (next) next()
    else this.#isTaken = false
  }

  #finish(): void {
    const members = this.#members
    try {
      this.#target.run('commit')
    } catch (error) {
      if (this.#target.isOpen) this.#target.run('rollback')
      this.fail(error)
      return
    }
    this.#members = []
    this.#isOpen = false
    this.#isDue = false
    if (this.#unsynced.length === 0) this.#unsynced = members
    else this.#unsynced.push(...members)
    if (!this.#isSyncing && members.length > 0) void this.#sync()
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true
    while (this.#unsynced.length > 0) {
      const members = this.#unsynced
      this.#unsynced = []
      try {
        await this.#target.sync()
        for (const member of members) member.resolve()
      } catch (error) {
        this.#broken = { cause: error }
        for (const member of members) member.reject(error)
        for (const member of this.#unsynced.splice(0)) member.reject(error)
      }
    }
    this.#isSyncing = false
  }

  /** Resolves when no transaction is open and nothing waits for the disk, so that the file may be closed. */
  async settled(): Promise<void> {
    while (this.#isOpen || this.#isSyncing) await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
