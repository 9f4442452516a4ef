import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Place, Vault } from '../base/vault.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { claimIdempotencyKey, keepIdempotentReply, pruneIdempotencyKeys, readIdempotencyKey, releaseIdempotencyKey } from '../storage/idempotency.ts'
import type { Database, Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'

const day = 86_400_000
const pollInterval = 100
/** How long a second request waits for the first one. */
const longestWait = 30_000

/** Which request it is, for work that keeps this beside what it makes. Both are digests. */
export type Submission = { id: string; request: string }

/** @throws Problem invalid_request for a key that is empty, too long or not plain */
export function submissionOf(callerId: string, key: string, request: string): Submission {
  checkIdempotencyKey(key)
  return { id: createHash('sha256').update(`${callerId}\0${key}`).digest('hex'), request }
}

function checkIdempotencyKey(key: string): void {
  if (key.length < 1 || key.length > 255 || !/^[\x20-\x7e]+$/.test(key)) {
    throw new Problem('invalid_request', 'The Idempotency-Key must have 1 to 255 printable ASCII characters.')
  }
}

export const idempotencyConflict = (): Problem => new Problem('idempotency_conflict', 'This Idempotency-Key came before with another request.')

export type KeptReply = { status: number; body: string }

/**
 * Lets a request with an Idempotency-Key be done once: a repetition gets the first one's reply. Keys belong to the access
 * key that sent them and are forgotten after a day.
 */
export class IdempotentReplies {
  readonly #db: Database
  readonly #clock: Clock
  readonly #vault: Vault
  #prunedAt = -Infinity

  constructor(options: { db: Database; clock: Clock; vault: Vault }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#vault = options.vault
  }

  /**
   * Does the work unless the same request was done before, and returns its reply.
   *
   * @throws Problem idempotency_conflict when the key came with another request, or when the first one was cut off so that
   *   nobody knows whether it was done; and whatever the work throws, after which the key is free again
   */
  async once(accessKeyId: string, key: string, request: string, work: () => Promise<KeptReply>): Promise<KeptReply & { repeated: boolean }> {
    checkIdempotencyKey(key)
    await this.#prune()
    const hash = createHash('sha256').update(request).digest('hex')
    const claim = { access_key_id: accessKeyId, key, request_hash: hash, created_at: this.#clock.now() }
    const first = await inTransaction(this.#db, (trx) => claimIdempotencyKey(trx, claim))
    if (first) return { ...(await this.#repeat(first, hash)), repeated: true }
    let reply: KeptReply
    try {
      reply = await work()
    } catch (error) {
      await releaseIdempotencyKey(this.#db, accessKeyId, key)
      throw error
    }
    await inTransaction(this.#db, async (trx) => {
      const sealed = await this.#vault.seal(dataKeysOf(trx), placeOf(accessKeyId, key), reply.body)
      await keepIdempotentReply(trx, accessKeyId, key, sealed, reply.status)
    })
    return { ...reply, repeated: false }
  }

  async #repeat(first: Row<'idempotency'>, hash: string): Promise<KeptReply> {
    const { access_key_id: accessKeyId, key } = first
    const until = this.#clock.monotonic() + longestWait
    let row: Row<'idempotency'> | undefined = first
    while (row) {
      if (row.request_hash !== hash) {
        throw idempotencyConflict()
      }
      if (row.reply !== null && row.status !== null) {
        const body = await this.#vault.open(dataKeysOf(this.#db), placeOf(accessKeyId, key), row.reply)
        return { status: row.status, body: body.reveal() }
      }
      if (this.#clock.monotonic() >= until) {
        throw new Problem('idempotency_conflict', 'The first request with this Idempotency-Key has not ended: it still runs, or was cut off.', {
          nextStep: 'Look whether it was done. If it was not, send it with a new key.',
        })
      }
      await this.#clock.sleep(pollInterval)
      row = await readIdempotencyKey(this.#db, accessKeyId, key)
    }
    throw new Problem('idempotency_conflict', 'The first request with this Idempotency-Key failed and did nothing.', { nextStep: 'Send it again.' })
  }

  async #prune(): Promise<void> {
    const now = this.#clock.now()
    if (now - this.#prunedAt < day / 24) return
    this.#prunedAt = now
    await pruneIdempotencyKeys(this.#db, now - day)
  }
}

// The reply is bound to its key, so that a moved one does not open.
const placeOf = (accessKeyId: string, key: string): Place => ({ owner: 'idempotency', column: `idempotency.reply ${accessKeyId} ${key}` })
