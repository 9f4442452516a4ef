import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { newId, randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { appendEvents } from '../storage/events.ts'
import { countPasskeys } from '../storage/passkeys.ts'
import { deletePerson, findPersonByName, insertPerson, listPersons, lockAdministrators, putInvitation, readPerson, updatePerson } from '../storage/persons.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AccessContext } from './access-context.ts'
import type { AuditAction } from './audit-actions.ts'
import { checkPersonName, personKey } from './person-names.ts'
import type { Role } from './roles.ts'

const invitationLife = 7 * 86_400_000

export type PersonView = {
  id: string
  name: string
  role: Role
  status: 'active' | 'invited' | 'suspended'
  passkeys: number
  createdAt: number
  lastSeenAt: number | null
}

export type Invited = { person: PersonView; link: Secret; expiresAt: number }

/** Who may sign in, and as what. How one signs in is in `sign-in.ts`. */
export class Persons {
  readonly #context: AccessContext

  constructor(context: AccessContext) {
    this.#context = context
  }

  async list(): Promise<PersonView[]> {
    const passkeys = await countPasskeys(this.#context.db)
    return (await listPersons(this.#context.db)).map((row) => toView(row, passkeys))
  }

  /** Makes a person who has not joined yet, and the link by which he does. The link is in the answer and nowhere else. */
  async invite(input: { name: string; role: Role }, actor: Actor): Promise<Invited> {
    const { db, clock } = this.#context
    const name = checkPersonName(input.name)
    const now = clock.now()
    const id = newId('per', now)
    const made = await inTransaction(db, async (trx) => {
      if (await findPersonByName(trx, personKey(name))) throw new Problem('name_taken', `There is already a person "${name}".`)
      await insertPerson(trx, newPerson({ id, name, role: input.role, now, createdBy: actor.id }))
      return await this.#putInvitation(trx, { id, name }, actor, { role: input.role })
    })
    return await this.#invited(id, made)
  }

  /** Makes a new link for a person: the old one was lost, or the password was forgotten. @throws Problem not_found */
  async renewInvitation(ref: string, actor: Actor): Promise<Invited> {
    const made = await inTransaction(this.#context.db, async (trx) => {
      const person = await this.#find(trx, ref)
      return { ...(await this.#putInvitation(trx, person, actor, { renewed: true })), id: person.id }
    })
    return await this.#invited(made.id, made)
  }

  async #invited(id: string, made: { code: string; expiresAt: number }): Promise<Invited> {
    await this.#context.sessions.spread()
    // The code stands in the fragment: browsers send that to nobody, so that it is in no log.
    const link = new Secret(`${this.#context.publicUrl}/invitation#${made.code}`)
    return { person: await this.#view(id), link, expiresAt: made.expiresAt }
  }

  async #putInvitation(trx: Transaction<Tables>, person: { id: string; name: string }, actor: Actor, detail: Record<string, string | boolean>) {
    const now = this.#context.clock.now()
    const code = randomToken(32)
    const expiresAt = now + invitationLife
    await putInvitation(trx, { person_id: person.id, code_hash: hashCode(code), created_by_name: actor.name, created_at: now, expires_at: expiresAt })
    await note(this.#context, trx, { action: 'person.invited', person, actor, change: 'invited', detail })
    return { code, expiresAt }
  }

  /**
   * Changes the role of a person, or suspends or admits him. It works at once, on open sessions too.
   *
   * @throws Problem not_found, last_administrator
   */
  async change(ref: string, change: { role?: Role; suspended?: boolean }, actor: Actor): Promise<PersonView> {
    const { db, dialect, clock, sessions } = this.#context
    const id = await inTransaction(db, async (trx) => {
      const administrators = await lockAdministrators(trx, dialect)
      const person = await this.#find(trx, ref)
      const loses = (change.role !== undefined && change.role !== 'administrator') || change.suspended === true
      if (loses) refuseLast(administrators, person)
      const now = clock.now()
      await updatePerson(trx, person.id, {
        ...(change.role === undefined ? {} : { role: change.role }),
        ...(change.suspended === undefined ? {} : { suspended_at: change.suspended ? (person.suspended_at ?? now) : null }),
      })
      const ended = change.suspended === true ? await sessions.endAll(trx, person.id, null) : 0
      const detail = {
        ...(change.role === undefined ? {} : { role: change.role, before: person.role }),
        ...(change.suspended === undefined ? {} : { suspended: change.suspended }),
        ...(ended === 0 ? {} : { sessions_ended: ended }),
      }
      await note(this.#context, trx, { action: 'person.changed', person, actor, change: 'changed', detail })
      return person.id
    })
    await sessions.spread()
    return await this.#view(id)
  }

  /** Removes a person with sessions and invitation. What the audit trail says of him stays. */
  async delete(ref: string, actor: Actor): Promise<void> {
    const { db, dialect, sessions } = this.#context
    await inTransaction(db, async (trx) => {
      const administrators = await lockAdministrators(trx, dialect)
      const person = await this.#find(trx, ref)
      refuseLast(administrators, person)
      await deletePerson(trx, person.id)
      await note(this.#context, trx, { action: 'person.deleted', person, actor, change: 'deleted' })
    })
    await sessions.spread()
  }

  async #view(id: string): Promise<PersonView> {
    return toView((await readPerson(this.#context.db, id))!, await countPasskeys(this.#context.db))
  }

  async #find(trx: Transaction<Tables>, ref: string): Promise<Row<'persons'>> {
    const found = ref.startsWith('per_') ? await readPerson(trx, ref) : await findPersonByName(trx, personKey(ref))
    if (!found) throw new Problem('not_found', `There is no person "${ref.slice(0, 100)}".`)
    return found
  }
}

/** Somebody must be left who can let others in. */
function refuseLast(administrators: string[], person: Row<'persons'>): void {
  if (administrators.length === 1 && administrators[0] === person.id) {
    throw new Problem('last_administrator', `"${person.name}" is the only administrator who can sign in.`)
  }
}

export const hashCode = (code: string): string => createHash('sha256').update(code).digest('hex')

/** Makes the row of a person who has not joined yet. */
export function newPerson(input: { id: string; name: string; role: Role; now: number; createdBy: string }): Row<'persons'> {
  return {
    id: input.id,
    name: input.name,
    name_key: personKey(input.name),
    role: input.role,
    joined_at: null,
    suspended_at: null,
    password: null,
    subject: null,
    created_by: input.createdBy,
    created_at: input.now,
    last_seen_at: null,
  }
}

/** Writes the audit record and the event of something that happened to a person, inside the transaction in which it did. */
export async function note(
  context: Pick<AccessContext, 'audit' | 'clock'>,
  trx: Transaction<Tables>,
  what: { action: AuditAction; person: { id: string; name: string }; actor: Actor; change: string; detail?: Record<string, string | number | boolean | null> },
): Promise<void> {
  const { action, person, actor, change, detail } = what
  await context.audit.append(trx, [{ actor, action, subject: person.id, subjectName: person.name, outcome: 'done', ...(detail ? { detail } : {}) }])
  await appendEvents(trx, context.clock, [{ type: 'person.changed', subject: person.id, data: { name: person.name, change } }])
}

const toView = (row: Row<'persons'>, passkeys: Map<string, number>): PersonView => ({
  id: row.id,
  name: row.name,
  role: row.role as Role,
  status: row.suspended_at !== null ? 'suspended' : row.joined_at === null ? 'invited' : 'active',
  passkeys: passkeys.get(row.id) ?? 0,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
})
