import { sql, type Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

/** Takes the next `count` numbers of the trail and returns where it stood; the row stays locked until the transaction ends. */
export async function advanceAuditHead(trx: Transaction<Tables>, count: number): Promise<{ seq: number; hash: string }> {
  const head = await trx
    .updateTable('heads')
    .set((eb) => ({ seq: eb('seq', '+', count) }))
    .where('name', '=', 'audit')
    .returning(['seq', 'hash'])
    .executeTakeFirstOrThrow()
  return { seq: head.seq - count, hash: head.hash }
}

export async function insertAudit(trx: Transaction<Tables>, rows: NewRow<'audit'>[], hash: string): Promise<void> {
  await trx.insertInto('audit').values(rows).execute()
  await trx.updateTable('heads').set({ hash }).where('name', '=', 'audit').execute()
}

export async function readAuditHead(db: Database | Transaction<Tables>): Promise<{ seq: number; hash: string }> {
  return await db.selectFrom('heads').select(['seq', 'hash']).where('name', '=', 'audit').executeTakeFirstOrThrow()
}

/** Returns records after a number, oldest first. */
export async function readAudit(db: Database | Transaction<Tables>, after: number, limit: number): Promise<Row<'audit'>[]> {
  return await db.selectFrom('audit').selectAll().where('seq', '>', after).orderBy('seq').limit(limit).execute()
}

export type AuditFilter = {
  subject?: string
  actor?: string
  action?: string
  outcome?: string
  /** Of a secret; stands in the detail as `token`. */
  mark?: string
  from?: number
  to?: number
  /** Only records before this number. */
  before?: number
  limit: number
}

/** Returns records newest first. */
export async function findAudit(db: Database, filter: AuditFilter): Promise<Row<'audit'>[]> {
  let query = db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(filter.limit)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome)
  if (filter.mark !== undefined) {
    const pattern = `%"token":"${filter.mark.replace(/[\\%_]/g, (sign) => `\\${sign}`)}"%`
    query = query.where(sql<boolean>`detail like ${pattern} escape '\\'`)
  }
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('at', '<', filter.to)
  if (filter.before !== undefined) query = query.where('seq', '<', filter.before)
  return await query.execute()
}
