import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function insertConsent(trx: Transaction<Tables>, row: NewRow<'consents'>): Promise<void> {
  await trx.insertInto('consents').values(row).execute()
}

export async function readConsent(db: Reader, id: string): Promise<Row<'consents'> | undefined> {
  return await db.selectFrom('consents').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findConsentByState(db: Reader, stateHash: string): Promise<Row<'consents'> | undefined> {
  return await db.selectFrom('consents').selectAll().where('state_hash', '=', stateHash).executeTakeFirst()
}

export async function findConsentByTicket(db: Reader, ticketHash: string): Promise<Row<'consents'> | undefined> {
  return await db.selectFrom('consents').selectAll().where('ticket_hash', '=', ticketHash).executeTakeFirst()
}

/** Binds a waiting consent to the browser that opens it; returns whether it was the first one. */
export async function bindConsent(db: Reader, id: string, browserHash: string, expiresAt: number): Promise<boolean> {
  const result = await db
    .updateTable('consents')
    .set({ browser_hash: browserHash, expires_at: expiresAt })
    .where('id', '=', id)
    .where('status', '=', 'waiting')
    .where('browser_hash', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Moves a consent on if it is still in the expected status; returns whether it was. One answer wins, however many come. */
export async function moveConsent(db: Reader, id: string, from: string, change: RowUpdate<'consents'>): Promise<boolean> {
  const result = await db.updateTable('consents').set(change).where('id', '=', id).where('status', '=', from).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Returns the consents of a credential that somebody may still finish, the newest first. */
export async function waitingConsents(db: Reader, credentialId: string, now: number): Promise<Row<'consents'>[]> {
  return await db
    .selectFrom('consents')
    .selectAll()
    .where('credential_id', '=', credentialId)
    .where('status', '=', 'waiting')
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .limit(100)
    .execute()
}

/** Returns device consents whose next poll is due. */
export async function dueConsents(db: Reader, now: number, limit: number): Promise<Row<'consents'>[]> {
  return await db
    .selectFrom('consents')
    .selectAll()
    .where('status', '=', 'waiting')
    .where('mode', '=', 'device')
    .where('next_poll_at', '<=', now)
    .orderBy('next_poll_at')
    .limit(limit)
    .execute()
}

export async function nextPoll(db: Reader): Promise<number | null> {
  const row = await db
    .selectFrom('consents')
    .where('status', '=', 'waiting')
    .where('mode', '=', 'device')
    .select((eb) => eb.fn.min('next_poll_at').as('due'))
    .executeTakeFirst()
  return row?.due ?? null
}

/** Ends the consents that nobody finished, removes their secrets, and forgets those that ended long ago. */
export async function expireConsents(db: Reader, now: number, forgetBefore: number): Promise<void> {
  await db
    .updateTable('consents')
    .set({ status: 'expired', secret: null, finished_at: now })
    .where('status', '=', 'waiting')
    .where('expires_at', '<=', now)
    .execute()
  await db.deleteFrom('consents').where('status', 'in', ['done', 'failed', 'expired']).where('expires_at', '<', forgetBefore).execute()
}

/** Returns the consents of a credential that were being exchanged. */
export async function exchangingConsents(db: Reader, credentialId: string): Promise<Row<'consents'>[]> {
  return await db.selectFrom('consents').selectAll().where('credential_id', '=', credentialId).where('status', '=', 'exchanging').execute()
}

/** Returns the consents that were being exchanged when their process died, before it had even written down that it would ask. */
export async function abandonedConsents(db: Reader, expiredBefore: number): Promise<Row<'consents'>[]> {
  return await db
    .selectFrom('consents')
    .selectAll()
    .where('status', '=', 'exchanging')
    .where('expires_at', '<', expiredBefore)
    .where((eb) =>
      eb.not(eb.exists(eb.selectFrom('refresh_attempts').select('attempt').whereRef('refresh_attempts.credential_id', '=', 'consents.credential_id'))),
    )
    .limit(100)
    .execute()
}

/** Ends the consents of a credential by code or by link that nobody has begun: a new one replaces them. */
export async function replaceConsents(trx: Transaction<Tables>, credentialId: string, mode: string, now: number): Promise<void> {
  await trx
    .updateTable('consents')
    .set({ status: 'expired', secret: null, finished_at: now })
    .where('credential_id', '=', credentialId)
    .where('status', '=', 'waiting')
    .where('mode', '=', mode)
    .where('browser_hash', 'is', null)
    .execute()
}
