import type { Transaction } from 'kysely'
import { readFact, writeFact } from './facts.ts'
import type { Database, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
type Named = { id: string; name: string }

/** Access keys and persons, by id. */
export type Returned = { accessKeys: Named[]; persons: Named[] }

/** What is known of the backup that this store came from. */
export type Restored = {
  at: number
  /** As of when the backup was. */
  madeAt: number
  /** Whether every refresh token of it was tried once. */
  tried: boolean
  /** What was revoked, suspended or deleted after the backup; null when the store that it replaced could not tell. */
  revoked: Returned | null
}

const lastName = 'backup.last'
const restoredName = 'backup.restored'

export async function lastBackup(db: Reader): Promise<{ at: number; size: number } | null> {
  const text = await readFact(db, lastName)
  return text === null ? null : (JSON.parse(text) as { at: number; size: number })
}

export async function noteBackup(db: Reader, made: { at: number; size: number }): Promise<void> {
  await writeFact(db, lastName, JSON.stringify(made))
}

export async function readRestored(db: Reader): Promise<Restored | null> {
  const text = await readFact(db, restoredName)
  return text === null ? null : (JSON.parse(text) as Restored)
}

export async function noteRestored(db: Reader, restored: Restored): Promise<void> {
  await writeFact(db, restoredName, JSON.stringify(restored))
}

/** Compares a restored store with the one before it: which keys and persons that may do something here might not any more there. */
export async function revokedSince(restored: Reader, before: Reader): Promise<Returned> {
  const keysBefore = new Map((await before.selectFrom('access_keys').select(['id', 'revoked_at']).execute()).map((key) => [key.id, key]))
  const personsBefore = new Map((await before.selectFrom('persons').select(['id', 'suspended_at']).execute()).map((person) => [person.id, person]))
  const { accessKeys, persons } = await active(restored)
  return {
    accessKeys: accessKeys.filter(({ id }) => keysBefore.get(id)?.revoked_at !== null),
    persons: persons.filter(({ id }) => personsBefore.get(id)?.suspended_at !== null),
  }
}

/** Returns which of them may still do something. */
export async function returnedSince(db: Reader, revoked: Returned): Promise<Returned> {
  const there = await active(db)
  const among = (some: Named[], all: Named[]) => all.filter(({ id }) => some.some((one) => one.id === id))
  return { accessKeys: among(revoked.accessKeys, there.accessKeys), persons: among(revoked.persons, there.persons) }
}

async function active(db: Reader): Promise<Returned> {
  return {
    accessKeys: await db.selectFrom('access_keys').select(['id', 'name']).where('revoked_at', 'is', null).orderBy('name').execute(),
    persons: await db.selectFrom('persons').select(['id', 'name']).where('suspended_at', 'is', null).orderBy('name').execute(),
  }
}
