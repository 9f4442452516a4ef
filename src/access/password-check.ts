import { Problem } from '../base/problem.ts'
import { randomToken } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import type { Sealed } from '../base/sealed.ts'
import type { Place, Vault } from '../base/vault.ts'
import { checkPassword, hashPassword } from '../crypto/passwords.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { Database } from '../storage/tables.ts'

/** Each derivation takes 64 MiB and one of the process's few threads. */
const mostAtOnce = 2
const mostWaiting = 50

/** Hashes and compares passwords, few at a time, and in the same way whether there is somebody of this name or not. */
export class PasswordChecks {
  readonly #db: Database
  readonly #vault: Vault
  #running = 0
  readonly #waiting: (() => void)[] = []
  #nobodys: Promise<Sealed> | undefined

  constructor(db: Database, vault: Vault) {
    this.#db = db
    this.#vault = vault
  }

  /** Returns the hash of a new password, sealed for this person. @throws Problem rate_limited */
  async hash(personId: string, password: Secret): Promise<Sealed> {
    const hash = await this.#inTurn(() => hashPassword(password))
    return await this.#vault.seal(dataKeysOf(this.#db), placeOf(personId), hash)
  }

  /**
   * Returns whether it is the password of this person, and whether its hash should be made anew. For nobody, and for a person
   * without a password, another hash is compared: the time tells nothing.
   *
   * @throws Problem rate_limited
   */
  async check(person: { id: string; password: Sealed | null } | undefined, password: Secret): Promise<{ right: boolean; outdated: boolean }> {
    this.#nobodys ??= this.hash('nobody', new Secret(randomToken(16)))
    const nobodys = await this.#nobodys.catch((error: unknown) => {
      this.#nobodys = undefined
      throw error
    })
    const [id, sealed] = person?.password ? [person.id, person.password] : ['nobody', nobodys]
    const stored = await this.#vault.open(dataKeysOf(this.#db), placeOf(id), sealed)
    const checked = await this.#inTurn(() => checkPassword(password, stored.reveal()))
    const right = checked.result === 'right' && id !== 'nobody'
    return { right, outdated: right && checked.result === 'right' && checked.outdated }
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= mostAtOnce) {
      if (this.#waiting.length >= mostWaiting) throw new Problem('rate_limited', 'Too many persons sign in at this moment.', { retryAfter: 5 })
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await work()
    } finally {
      // The turn goes to the next one without becoming free in between.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}

const placeOf = (personId: string): Place => ({ owner: 'persons', column: `persons.password ${personId}` })
