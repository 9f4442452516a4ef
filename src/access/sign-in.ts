import { timingSafeEqual } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { newId, randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Sealed } from '../base/sealed.ts'
import { readFact, writeFact } from '../storage/facts.ts'
import { deletePasskeys } from '../storage/passkeys.ts'
import { findInvitation, findPersonByName, insertPerson, lockPerson, readPerson, takeInvitation, updatePerson, writeFactOnce } from '../storage/persons.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { AccessContext } from './access-context.ts'
import type { SignedIn } from './caller.ts'
import { checkPersonName, personKey } from './person-names.ts'
import { checkNewPassword } from './password-rules.ts'
import { hashCode, newPerson, note } from './persons.ts'
import type { Role } from './roles.ts'
import type { From } from './sessions.ts'

const setUpLife = 24 * 3_600_000
export const setUpDone = 'set_up.done'
const setUpCode = 'set_up.code'

/** What became of a try to sign in. Which of both it is must not show in how long it takes. */
export type SignInOutcome =
  | { kind: 'signed_in'; token: Secret }
  /** `why`: for the audit trail, where it is more than that nothing fits. */
  | { kind: 'refused'; person: { id: string; name: string } | null; why?: string }

export type InvitationView = { role: Role; name: string; invitedBy: string; expiresAt: number }

/** How persons come in by a password or a one-time link. */
export class SignIn {
  readonly #context: AccessContext

  constructor(context: AccessContext) {
    this.#context = context
  }

  /** @throws Problem rate_limited */
  async withPassword(input: { name: string; password: Secret }, from: From): Promise<SignInOutcome> {
    const { db, dialect, limit, passwords, sessions } = this.#context
    const key = personKey(input.name)
    const attempt = limit.begin(key, from.address)
    const person = await findPersonByName(db, key)
    const { right, outdated } = await passwords.check(person, input.password)
    const refused: SignInOutcome = { kind: 'refused', person: person ? { id: person.id, name: person.name } : null }
    if (!person || !right) return refused
    const renewed = outdated ? await passwords.hash(person.id, input.password) : null
    const token = await inTransaction(db, async (trx) => {
      // The password may have been changed, or the person suspended, since it was compared.
      const now = await lockPerson(trx, person.id, dialect)
      if (!now || !isSamePassword(now, person) || now.suspended_at !== null || now.joined_at === null) return null
      if (renewed) await updatePerson(trx, now.id, { password: renewed })
      const started = await sessions.start(trx, now.id, 'password', from, this.#context.clock.now())
      await note(this.#context, trx, { action: 'person.signed_in', person: now, actor: actorOf(now, from), change: 'signed_in', detail: { way: 'password' } })
      return started.token
    })
    if (token === null) return refused
    attempt.succeeded()
    await sessions.spread()
    return { kind: 'signed_in', token }
  }

  /**
   * Notes that a signed-in person has proven himself again by his password.
   *
   * @throws Problem rate_limited, password_missing, sign_in_refused
   */
  async confirm(person: SignedIn, password: Secret, actor: Actor): Promise<void> {
    await this.#prove(person, password, actor)
    const { db, sessions } = this.#context
    await inTransaction(db, async (trx) => {
      await sessions.confirm(trx, person.sessionId)
      await note(this.#context, trx, { action: 'person.confirmed', person, actor, change: 'confirmed', detail: { way: 'password' } })
    })
    await sessions.spread()
  }

  /** Returns whether a person can prove himself by a password at all. */
  async hasPassword(personId: string): Promise<boolean> {
    return (await readPerson(this.#context.db, personId))?.password != null
  }

  async #prove(person: SignedIn, password: Secret, actor: Actor): Promise<Row<'persons'>> {
    const { db, limit, passwords } = this.#context
    const attempt = limit.begin(personKey(person.name), actor.address)
    const row = await readPerson(db, person.id)
    if (row && row.password === null) {
      attempt.succeeded()
      throw new Problem('password_missing', `"${row.name}" signs in without a password.`)
    }
    const { right } = await passwords.check(row, password)
    if (!row || !right) throw new Problem('sign_in_refused', 'The password is wrong.', { nextStep: 'Type it again.' })
    attempt.succeeded()
    return row
  }

  /** Changes the own password; all other sessions end. @throws Problem rate_limited, password_missing, sign_in_refused, password_weak */
  async changePassword(person: SignedIn, input: { current: Secret; password: Secret }, actor: Actor): Promise<void> {
    const { db, dialect, passwords, sessions } = this.#context
    checkNewPassword(input.password, person.name)
    const before = await this.#prove(person, input.current, actor)
    const password = await passwords.hash(person.id, input.password)
    await inTransaction(db, async (trx) => {
      const row = await lockPerson(trx, person.id, dialect)
      if (!row || !isSamePassword(row, before)) throw new Problem('changed_meanwhile', 'The password was changed meanwhile.')
      await updatePerson(trx, row.id, { password })
      const ended = await sessions.endAll(trx, row.id, person.sessionId)
      await sessions.confirm(trx, person.sessionId)
      await note(this.#context, trx, { action: 'person.password_changed', person: row, actor, change: 'password', detail: { sessions_ended: ended } })
    })
    await sessions.spread()
  }

  /** Returns whether nobody has set the service up yet. */
  async isSetUpNeeded(): Promise<boolean> {
    return (await readFact(this.#context.db, setUpDone)) === null
  }

  /** Makes the one-time link of the first start; an earlier one stops working. Null once the set-up is done. */
  async newSetUpLink(): Promise<Secret | null> {
    const { db, clock, publicUrl } = this.#context
    if (!(await this.isSetUpNeeded())) return null
    const code = randomToken(32)
    await writeFact(db, setUpCode, JSON.stringify({ hash: hashCode(code), expires_at: clock.now() + setUpLife }))
    return new Secret(`${publicUrl}/set-up#${code}`)
  }

  /**
   * Makes the first administrator. Once, ever: the note that it was done is written with it and never removed.
   *
   * @throws Problem setup_done, invitation_unknown, password_weak, invalid_request, rate_limited
   */
  async setUp(input: { code: string; name: string; password: Secret }, from: From): Promise<Secret> {
    const { db, clock, limit, passwords, sessions } = this.#context
    if (!(await this.isSetUpNeeded())) throw new Problem('setup_done', 'This service has been set up.')
    const attempt = limit.begin('(set-up)', from.address)
    await this.#checkSetUpCode(input.code)
    attempt.succeeded()
    const name = checkPersonName(input.name)
    checkNewPassword(input.password, name)
    const id = newId('per', clock.now())
    const password = await passwords.hash(id, input.password)
    const token = await inTransaction(db, async (trx) => {
      const now = clock.now()
      // Invariant: of several set-ups at the same time one writes this, and only that one makes a person.
      if (!(await writeFactOnce(trx, setUpDone, String(now)))) throw new Problem('setup_done', 'This service has been set up meanwhile.')
      await writeFact(trx, setUpCode, '{}')
      if (await findPersonByName(trx, personKey(name))) throw new Problem('name_taken', `There is already a person "${name}".`)
      const person = { ...newPerson({ id, name, role: 'administrator', now, createdBy: id }), joined_at: now, password }
      await insertPerson(trx, person)
      const started = await sessions.start(trx, id, 'invitation', from, now)
      await note(this.#context, trx, { action: 'person.set_up', person, actor: actorOf(person, from), change: 'joined' })
      return started.token
    })
    await sessions.spread()
    return token
  }

  async #checkSetUpCode(code: string): Promise<void> {
    const stored = JSON.parse((await readFact(this.#context.db, setUpCode)) ?? '{}') as { hash?: string; expires_at?: number }
    const expected = Buffer.from(stored.hash ?? hashCode(randomToken(32)), 'hex')
    const isRight = timingSafeEqual(Buffer.from(hashCode(code), 'hex'), expected)
    if (!isRight || (stored.expires_at ?? 0) <= this.#context.clock.now()) {
      throw new Problem('invitation_unknown', 'The code of the set-up is wrong or too old.', {
        nextStep: 'Use the newest link that the service printed. It prints one at every start until the set-up is done.',
      })
    }
  }

  /** Shows what a link invites to. @throws Problem invitation_unknown, rate_limited */
  async openInvitation(code: string, address: string | null): Promise<InvitationView> {
    const attempt = this.#context.limit.begin('(invitation)', address)
    const { invitation, person } = await this.#findInvitation(this.#context.db, code)
    attempt.succeeded()
    await this.#context.audit.record({
      actor: { id: 'nobody', name: 'nobody', kind: 'nobody', address },
      action: 'person.invitation_opened',
      subject: person.id,
      subjectName: person.name,
      outcome: 'done',
    })
    return { role: person.role as Role, name: person.name, invitedBy: invitation.created_by_name, expiresAt: invitation.expires_at }
  }

  /**
   * Joins, or comes back with a new password; the sessions from before end, and the link is used up.
   *
   * @throws Problem invitation_unknown, password_weak, invalid_request, name_taken, rate_limited
   */
  async acceptInvitation(input: { code: string; name: string; password: Secret }, from: From): Promise<Secret> {
    const { db, dialect, limit, passwords, sessions } = this.#context
    const attempt = limit.begin('(invitation)', from.address)
    const { person: invited } = await this.#findInvitation(db, input.code)
    attempt.succeeded()
    const name = checkPersonName(input.name)
    checkNewPassword(input.password, name)
    const password = await passwords.hash(invited.id, input.password)
    const token = await inTransaction(db, async (trx) => {
      const person = await lockPerson(trx, invited.id, dialect)
      // Invariant: of several that accept the same link, one removes it; the others get nothing.
      if (!person || person.suspended_at !== null || !(await takeInvitation(trx, person.id, hashCode(input.code)))) throw unknownInvitation()
      const other = await findPersonByName(trx, personKey(name))
      if (other && other.id !== person.id) throw new Problem('name_taken', `There is already a person "${name}".`)
      return await this.#join(trx, person, { name, name_key: personKey(name), password }, from)
    }).catch((error: unknown) => {
      throw isUniqueViolation(error) ? new Problem('name_taken', `There is already a person "${name}".`) : error
    })
    await sessions.spread()
    return token
  }

  async #join(trx: Transaction<Tables>, person: Row<'persons'>, change: { name: string; name_key: string; password: Sealed }, from: From): Promise<Secret> {
    const { clock, sessions } = this.#context
    const now = clock.now()
    await updatePerson(trx, person.id, { ...change, joined_at: person.joined_at ?? now, subject: null })
    await sessions.endAll(trx, person.id, null)
    // Whoever had the account before comes in by none of the old ways.
    const passkeysRemoved = await deletePasskeys(trx, person.id)
    if (person.role === 'administrator') await writeFactOnce(trx, setUpDone, String(now))
    const started = await sessions.start(trx, person.id, 'invitation', from, now)
    const joined = { ...person, ...change }
    await note(this.#context, trx, {
      action: 'person.joined',
      person: joined,
      actor: actorOf(joined, from),
      change: 'joined',
      detail: { role: person.role, again: person.joined_at !== null, ...(passkeysRemoved === 0 ? {} : { passkeys_removed: passkeysRemoved }) },
    })
    return started.token
  }

  async #findInvitation(db: AccessContext['db'], code: string) {
    const invitation = await findInvitation(db, hashCode(code))
    const person = invitation && (await readPerson(db, invitation.person_id))
    if (!invitation || !person || person.suspended_at !== null || invitation.expires_at <= this.#context.clock.now()) throw unknownInvitation()
    return { invitation, person }
  }
}

const unknownInvitation = () => new Problem('invitation_unknown', 'There is no open invitation for this link.')

/** Returns whether a row still has the password that was compared. */
function isSamePassword(a: Row<'persons'>, b: Row<'persons'>): boolean {
  if (a.password === null || b.password === null) return a.password === b.password
  return Buffer.compare(a.password.bytes, b.password.bytes) === 0
}

export const actorOf = (person: { id: string; name: string }, from: { address: string | null }): Actor => ({
  id: person.id,
  name: person.name,
  kind: 'person',
  address: from.address,
})
