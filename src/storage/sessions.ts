import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** A session with the person whose it is. */
export type SessionWithPerson = Row<'sessions'> & { person_name: string; person_role: string; person_suspended_at: number | null }

export async function insertSession(trx: Transaction<Tables>, row: NewRow<'sessions'>): Promise<void> {
  await trx.insertInto('sessions').values(row).execute()
}

export async function findSessionByToken(db: Reader, tokenHash: string): Promise<SessionWithPerson | undefined> {
  return await db
    .selectFrom('sessions')
    .innerJoin('persons', 'persons.id', 'sessions.person_id')
    .selectAll('sessions')
    .select(['persons.name as person_name', 'persons.role as person_role', 'persons.suspended_at as person_suspended_at'])
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst()
}

export async function listSessions(db: Reader, personId: string): Promise<Row<'sessions'>[]> {
  return await db.selectFrom('sessions').selectAll().where('person_id', '=', personId).orderBy('last_seen_at', 'desc').execute()
}

export async function markSessionSeen(db: Reader, id: string, personId: string, at: number): Promise<void> {
  await db.updateTable('sessions').set({ last_seen_at: at }).where('id', '=', id).execute()
  await db.updateTable('persons').set({ last_seen_at: at }).where('id', '=', personId).execute()
}

export async function confirmSession(trx: Transaction<Tables>, id: string, at: number): Promise<boolean> {
  const result = await trx.updateTable('sessions').set({ confirmed_at: at }).where('id', '=', id).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Ends a session of this person; returns whether there was one. */
export async function deleteSession(trx: Reader, personId: string, id: string): Promise<boolean> {
  const result = await trx.deleteFrom('sessions').where('id', '=', id).where('person_id', '=', personId).executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Ends all sessions of a person, but for one where given; returns how many. */
export async function deleteSessions(trx: Transaction<Tables>, personId: string, except: string | null): Promise<number> {
  let query = trx.deleteFrom('sessions').where('person_id', '=', personId)
  if (except !== null) query = query.where('id', '!=', except)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}

/** Forgets sessions that ended by themselves. */
export async function pruneSessions(db: Reader, now: number, seenBefore: number): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('expires_at', '<=', now), eb('last_seen_at', '<=', seenBefore)]))
    .execute()
}
