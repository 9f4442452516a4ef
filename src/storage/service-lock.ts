import type { Transaction } from 'kysely'
import { readFact, writeFact } from './facts.ts'
import type { Database, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Who locked the service, and when. */
export type ServiceLockRow = { by: string; at: number }

const name = 'service_lock'

/** Returns who locked the service; null: it is not locked. The row counts for every node, and survives a restart. */
export async function readServiceLock(db: Reader): Promise<ServiceLockRow | null> {
  const text = await readFact(db, name)
  return text === null ? null : (JSON.parse(text) as ServiceLockRow)
}

export async function writeServiceLock(trx: Transaction<Tables>, row: ServiceLockRow): Promise<void> {
  await writeFact(trx, name, JSON.stringify(row))
}

export async function deleteServiceLock(trx: Transaction<Tables>): Promise<void> {
  await trx.deleteFrom('facts').where('name', '=', name).execute()
}
