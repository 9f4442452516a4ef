import type { Transaction } from 'kysely'
import { withRegistration, type CredentialWithRegistration } from './credentials.ts'
import type { Database, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Returns credentials whose snooze has ended. */
export async function snoozesEnded(db: Reader, now: number, limit: number): Promise<CredentialWithRegistration[]> {
  return await withRegistration(db)
    .where('credentials.snoozed_until', 'is not', null)
    .where('credentials.snoozed_until', '<=', now)
    .orderBy('credentials.snoozed_until')
    .limit(limit)
    .execute()
}

/** Lets a snooze go that still ends then. */
export async function clearSnooze(trx: Reader, id: string, until: number): Promise<void> {
  await trx.updateTable('credentials').set({ snoozed_until: null }).where('id', '=', id).where('snoozed_until', '=', until).execute()
}
