import { sql, type Transaction } from 'kysely'
import { insertOf, prepared } from './prepared.ts'
import type { Database, NewRow, Row, Tables } from './tables.ts'

const moveHead = prepared((db, slots: { count: number }) =>
  db
    .updateTable('heads')
    .set((eb) => ({ seq: eb('seq', '+', slots.count) }))
    .where('name', '=', 'audit')
    .returning(['seq', 'hash']),
)

const writeHead = prepared((db, slots: { hash: string }) => db.updateTable('heads').set({ hash: slots.hash }).where('name', '=', 'audit'))

/** Takes the next `count` numbers of the trail and returns where it stood; the row stays locked until the transaction ends. */
export async function advanceAuditHead(trx: Transaction<Tables>, count: number): Promise<{ seq: number; hash: string }> {
  const [head] = await moveHead(trx, { count })
  if (!head) throw new Error('the head of the audit trail is gone')
  return { seq: head.seq - count, hash: head.hash }
}

const insertRows = insertOf('audit', [
  'seq',
  'at',
  'actor',
  'actor_name',
  'action',
  'subject',
  'subject_name',
  'outcome',
  'reason',
  'address',
  'detail',
  'hash',
])

/** Writes rows and the new end of the trail. */
export async function insertAudit(trx: Transaction<Tables>, rows: NewRow<'audit'>[], hash: string): Promise<void> {
  await insertRows(trx, rows)
  await writeHead(trx, { hash })
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
  /** Only records after this number. */
  after?: number
  limit: number
}

/** Returns records newest first, or oldest first. */
export async function findAudit(db: Database, filter: AuditFilter, order: 'asc' | 'desc' = 'desc'): Promise<Row<'audit'>[]> {
  let query = db.selectFrom('audit').selectAll().orderBy('seq', order).limit(filter.limit)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome)
  if (filter.mark !== undefined) {
    const pattern = `%"token":"${filter.mark.replace(/[\\%_]/g, (sign) => `\\${sign}`)}"%`
    query = query.where(sql<boolean>`detail like ${pattern} escape '\\'`)
  }
  // Said once more as it stands in the indexes of what is rare: the databases do not conclude it from a parameter.
  if (filter.action !== undefined && filter.action !== 'token.handed_out') query = query.where(sql<boolean>`action <> 'token.handed_out'`)
  if (filter.outcome !== undefined && filter.outcome !== 'done') query = query.where(sql<boolean>`outcome <> 'done'`)
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('at', '<', filter.to)
  if (filter.after !== undefined) query = query.where('seq', '>', filter.after)
  if (filter.before !== undefined) query = query.where('seq', '<', filter.before)
  return await query.execute()
}
