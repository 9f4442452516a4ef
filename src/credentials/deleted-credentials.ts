import type { Transaction } from 'kysely'
import { service, type Actor } from '../base/actor.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { nameKey, type NewCredentialRow } from '../storage/credential-derived.ts'
import { deleteCredentialRow, readCredential } from '../storage/credentials.ts'
import { deleteDataKey } from '../storage/data-keys.ts'
import { findDeleted, insertDeleted, listDeletedRows, overdueDeleted, takeDeleted, type DeletedRow } from '../storage/deleted-credentials.ts'
import { isStoppedSince } from '../storage/emergency-stops.ts'
import { appendEvents } from '../storage/events.ts'
import { findRegistration } from '../storage/registrations.ts'
import type { Row, RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { readUses, writeUses, type Uses } from '../storage/usages.ts'
import type { CredentialContext } from './context.ts'
import { insertNamed } from './credential-create.ts'
import { isBroken, isThreeLegged, nextSteps, pausedColumns, revokedColumns, statusColumns } from './credential-status.ts'
import { cleanName, nameErrors } from './names.ts'
import type { CredentialStatus, NewCredential, Page } from './types.ts'

const day = 86_400_000
const batch = 200

/** A credential that was deleted: nobody can use it, and until `restorableUntil` it can come back. */
export type DeletedCredential = {
  id: string
  name: string
  kind: NewCredential['kind']
  grant: NonNullable<NewCredential['grant']> | null
  username: string | null
  /** What the registration is called that it needs. */
  registration: string | null
  /** Whether there is a secret that comes back with it; tokens that were revoked do not. */
  hasSecret: boolean
  deletedAt: number
  deletedBy: { id: string; name: string }
  restorableUntil: number
}

type Facts = Omit<Row<'credentials'>, 'secret' | 'search_text' | 'known_end' | 'lease' | 'lease_until'>
type Order = { revoke: boolean; actor: Actor }

/**
 * Takes a credential out of use, in a transaction that its caller has locked it in: it is in no list and found by no name from the commit
 * on. Returns until when it can be restored; null: it is gone for good.
 */
export async function setAside(context: CredentialContext, trx: Transaction<Tables>, id: string, { revoke, actor }: Order): Promise<number | null> {
  const { clock, deletedDays } = context
  const now = clock.now()
  const row = (await readCredential(trx, id))!
  const purgeAt = deletedDays === 0 ? null : now + deletedDays * day
  if (purgeAt === null) await deleteDataKey(trx, id)
  else
    await insertDeleted(trx, await toDeletedRow(trx, revoke && row.kind === 'oauth2' ? { ...row, ...revokedColumns(row, now) } : row, { now, purgeAt, actor }))
  await deleteCredentialRow(trx, id)
  const detail = { revoke, restorable_until: purgeAt === null ? null : new Date(purgeAt).toISOString() }
  await context.audit.append(trx, [{ actor, action: 'credential.deleted', subject: id, subjectName: row.name, outcome: 'done', detail }])
  await appendEvents(trx, clock, [{ type: 'credential.deleted', subject: id, data: { name: row.name, restorable_until: detail.restorable_until } }])
  return purgeAt
}

async function toDeletedRow(
  trx: Transaction<Tables>,
  row: Row<'credentials'>,
  { now, purgeAt, actor }: { now: number; purgeAt: number; actor: Actor },
): Promise<DeletedRow> {
  const { secret, search_text: _, known_end: __, lease: ___, lease_until: ____, ...facts } = row
  const registration = row.registration_id === null ? undefined : await findRegistration(trx, row.registration_id)
  return {
    id: row.id,
    name: row.name,
    name_key: row.name_key,
    registration_name: registration?.name ?? null,
    facts: JSON.stringify(facts satisfies Facts),
    uses: JSON.stringify(await readUses(trx, row.id)),
    secret,
    deleted_at: now,
    deleted_by: JSON.stringify({ id: actor.id, name: actor.name }),
    purge_at: purgeAt,
  }
}

/**
 * What was deleted, as long as it can still be restored. Its secret stays sealed by a key of its own; purging destroys that key, so that
 * no copy of the database can open it from then on. A backup made before holds the key, wrapped by the master key of that time.
 */
export class DeletedCredentials {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
    // On every node: where the key was destroyed, it is not in memory either.
    context.bus.listen(({ type, subject }) => {
      if (subject !== null && (type === 'credential.deleted' || type === 'credential.purged')) context.vault.forget(subject)
    })
  }

  /** Days that something can be restored after it was deleted; 0: it is purged at once. */
  get days(): number {
    return this.#context.deletedDays
  }

  /** Lists them, the latest first. @throws Problem invalid_request for a cursor that is not one of ours */
  async list(query: { cursor?: string; limit?: number } = {}): Promise<Page<DeletedCredential>> {
    const limit = Math.min(query.limit ?? 100, 500)
    const rows = await listDeletedRows(this.#context.db, { before: readCursor(query.cursor), limit: limit + 1 })
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return { items: shown.map(toView), next: rows.length > limit ? `${last!.deleted_at}.${last!.id}` : null }
  }

  /**
   * Brings one back, by its id or its name, with the id it had: access keys that name it reach it again. What renews itself is renewed at
   * once. Where an emergency stop was ordered meanwhile it comes back switched off. Returns its id.
   *
   * @throws Problem not_found, name_taken, invalid_request
   */
  async restore(ref: string, options: { name?: string | undefined }, actor: Actor): Promise<string> {
    const { db, clock, audit } = this.#context
    const { id } = await this.#find(ref)
    const errors = options.name === undefined ? [] : nameErrors(options.name)
    if (errors.length > 0) throw new Problem('invalid_request', 'The credential cannot get this name.', { errors })
    await inTransaction(db, async (trx) => {
      const deleted = await takeDeleted(trx, id)
      if (deleted === undefined) throw notThere(ref)
      const facts = JSON.parse(deleted.facts) as Facts
      const now = clock.now()
      if (facts.registration_id !== null && (await findRegistration(trx, facts.registration_id)) === undefined) {
        throw new Problem('not_found', `"${facts.name}" needs the registration "${deleted.registration_name}", which was deleted.`, {
          nextStep: 'Make the registration and the credential anew.',
        })
      }
      const name = options.name === undefined ? facts.name : cleanName(options.name)
      const row: NewCredentialRow = {
        ...facts,
        ...restoredColumns({ ...facts, secret: deleted.secret }, { now, isStopped: await isStoppedSince(trx, deleted.deleted_at) }),
        name,
        name_key: nameKey(name),
        secret: deleted.secret,
        lease: null,
        lease_until: null,
        // Whoever restores it needs it.
        kept_from: now,
        unused_told_at: null,
        warn_at: now,
        updated_at: now,
        revision: facts.revision + 1,
      }
      try {
        await insertNamed(trx, row)
      } catch (error) {
        if (!isProblem(error, 'name_taken')) throw error
        throw new Problem('name_taken', error.message, { nextStep: 'Restore it under another name (`name`; on the command line --name).' })
      }
      await writeUses(trx, id, JSON.parse(deleted.uses) as Uses)
      await audit.append(trx, [{ actor, action: 'credential.restored', subject: id, subjectName: name, outcome: 'done' }])
      await appendEvents(trx, clock, [{ type: 'credential.created', subject: id, data: { name, status: row.status, restored: true } }])
    })
    await this.#context.wake()
    return id
  }

  /** Destroys one with its key, by its id or its name. @throws Problem not_found */
  async purge(ref: string, actor: Actor): Promise<void> {
    const { id } = await this.#find(ref)
    if (!(await this.#destroy(id, actor))) throw notThere(ref)
    await this.#context.wake()
  }

  /** Destroys everything whose time is over. */
  async purgeOverdue(): Promise<void> {
    for (;;) {
      const ids = await overdueDeleted(this.#context.db, this.#context.clock.now(), batch)
      if (ids.length === 0) return
      for (const id of ids) await this.#destroy(id, service)
      await this.#context.wake()
    }
  }

  async #destroy(id: string, actor: Actor): Promise<boolean> {
    const { db, clock, audit } = this.#context
    return await inTransaction(db, async (trx) => {
      const deleted = await takeDeleted(trx, id)
      if (deleted === undefined) return false
      await deleteDataKey(trx, id)
      await audit.append(trx, [{ actor, action: 'credential.purged', subject: id, subjectName: deleted.name, outcome: 'done' }])
      await appendEvents(trx, clock, [{ type: 'credential.purged', subject: id, data: { name: deleted.name } }])
      return true
    })
  }

  async #find(ref: string): Promise<DeletedRow> {
    const row = await findDeleted(this.#context.db, ref)
    if (row === undefined) throw notThere(ref)
    return row
  }
}

/** Says how a credential goes on that comes back. */
function restoredColumns(row: Facts & { secret: DeletedRow['secret'] }, { now, isStopped }: { now: number; isStopped: boolean }): RowUpdate<'credentials'> {
  if (row.paused === 1) return {}
  if (isStopped) {
    const message = 'It was restored, and an emergency stop was ordered after it had been deleted: look whether it may run again.'
    return pausedColumns(row, now, { code: 'restored_after_stop', message, nextStep: nextSteps.resume })
  }
  const isRenewable = row.kind === 'oauth2' && (row.has_refresh_token === 1 || !isThreeLegged(row.grant_type))
  // Without a person: the tokens were taken back when it was deleted, and the next ones are fetched.
  const isFetchedAnew = row.secret === null && !isThreeLegged(row.grant_type)
  if (!isRenewable || (isBroken(row.status as CredentialStatus) && !isFetchedAnew)) return {}
  const reason = { code: 'undeleted', message: 'It was deleted and restored, and is tried now.', nextStep: nextSteps.retry }
  return { ...statusColumns(row, { status: 'retrying', reason }, now), refresh_due_at: now, failures: 0 }
}

function readCursor(cursor: string | undefined): { at: number; id: string } | undefined {
  if (cursor === undefined) return undefined
  const [, at, id] = /^(\d{1,15})\.(cred_\w{1,100})$/.exec(cursor) ?? []
  if (at === undefined || id === undefined) throw new Problem('invalid_request', 'The cursor is not one of ours.')
  return { at: Number(at), id }
}

function toView(row: DeletedRow): DeletedCredential {
  const facts = JSON.parse(row.facts) as Facts
  return {
    id: row.id,
    name: row.name,
    kind: facts.kind as DeletedCredential['kind'],
    grant: facts.grant_type as DeletedCredential['grant'],
    username: facts.username,
    registration: row.registration_name,
    hasSecret: row.secret !== null,
    deletedAt: row.deleted_at,
    deletedBy: JSON.parse(row.deleted_by) as DeletedCredential['deletedBy'],
    restorableUntil: row.purge_at,
  }
}

const notThere = (ref: string) =>
  new Problem('not_found', `There is no deleted credential "${ref.slice(0, 100)}" that could be restored.`, {
    nextStep: 'Look at those that can: "Deleted credentials" on the page, keybearer deleted list.',
  })
