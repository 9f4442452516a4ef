import type { Transaction } from 'kysely'
import { lockCredential, type CredentialWithRegistration } from '../storage/credentials.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'

/** How long a refresh that is under way is waited for, in milliseconds. */
const longestWait = 10_000
const pause = 100
/** How often it is begun anew because the tokens were others meanwhile. */
const tries = 5

type Order<Prepared> = {
  /** Reads the row as it is now; throws when it is gone. */
  read: () => Promise<CredentialWithRegistration>
  prepare: (row: CredentialWithRegistration) => Promise<Prepared>
  /** Whether the tokens matter: a refresh is waited for, and what was prepared is only written if they are still the same. */
  isBound: boolean
  write: (trx: Transaction<Tables>, row: CredentialWithRegistration, prepared: Prepared) => Promise<void>
}

/**
 * Prepares something for the tokens of a credential, and writes it in a transaction that removes them; null: they kept changing.
 *
 * Invariant: no refresh that has ended slips in between: what it brought would be lost here and stay valid at the provider. One that
 * takes longer than anybody waits is overtaken; its answer is thrown away.
 */
export async function takeTokens<Prepared>(
  context: CredentialContext,
  { read, prepare, isBound, write }: Order<Prepared>,
): Promise<{ prepared: Prepared } | null> {
  const { db, clock, dialect } = context
  const deadline = clock.monotonic() + longestWait
  const isAwaited = ({ lease, lease_until: until }: Row<'credentials'>) => isBound && lease !== null && until! > clock.now() && clock.monotonic() < deadline
  for (let attempt = 0; attempt < tries; attempt++) {
    let row = await read()
    while (isAwaited(row)) {
      await clock.sleep(Math.min(pause, row.lease_until! - clock.now()))
      row = await read()
    }
    const prepared = await prepare(row)
    const isWritten = await inTransaction(db, async (trx) => {
      const locked = await lockCredential(trx, row.id, dialect)
      if (locked === undefined || (isBound && (locked.generation !== row.generation || isAwaited(locked)))) return false
      await write(trx, row, prepared)
      return true
    })
    if (isWritten) return { prepared }
  }
  return null
}
