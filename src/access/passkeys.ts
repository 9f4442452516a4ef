import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { deletePasskey, findPasskey, hasPasskeys, insertPasskey, listPasskeys, markPasskeyUsed } from '../storage/passkeys.ts'
import { lockPerson } from '../storage/persons.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { AccessContext } from './access-context.ts'
import type { SignedIn } from './caller.ts'
import { closeChallenge, openChallenge } from './challenges.ts'
import { note } from './persons.ts'
import type { From } from './sessions.ts'
import { actorOf, type SignInOutcome } from './sign-in.ts'
import {
  authenticationOptions,
  registrationOptions,
  relyingPartyOf,
  userHandleOf,
  verifyAuthentication,
  verifyRegistration,
  type RelyingParty,
} from './webauthn.ts'

const mostPerPerson = 20

export type PasskeyView = { id: string; name: string; createdAt: number; lastUsedAt: number | null }

/** How persons sign in by what they have: a passkey in a device or a security key. */
export class Passkeys {
  readonly #context: AccessContext

  constructor(context: AccessContext) {
    this.#context = context
  }

  /** Returns whether somebody can sign in so; of a person: whether he can. */
  async areThere(personId: string | null): Promise<boolean> {
    return relyingPartyOf(this.#context.publicUrl) !== null && (await hasPasskeys(this.#context.db, personId))
  }

  async list(personId: string): Promise<PasskeyView[]> {
    return (await listPasskeys(this.#context.db, personId)).map(toView)
  }

  /** Begins to add one. @throws Problem passkey_unavailable, passkey_refused, rate_limited */
  async startAdding(person: SignedIn, address: string | null) {
    const party = this.#party()
    const known = await listPasskeys(this.#context.db, person.id)
    if (known.length >= mostPerPerson) throw new Problem('passkey_refused', `${mostPerPerson} passkeys are as many as a person can have.`)
    const options = await registrationOptions(party, person, known)
    return { challengeId: await openChallenge(this.#context, 'passkey_add', options.challenge, { person, address }), options }
  }

  /**
   * Adds what the browser made for the challenge. The challenge was begun in the same session, with a fresh sign-in.
   *
   * @throws Problem passkey_unavailable, passkey_refused
   */
  async add(person: SignedIn, input: { challengeId: string; response: RegistrationResponseJSON; name: string }, actor: Actor): Promise<PasskeyView> {
    const { db, dialect, clock, sessions } = this.#context
    const party = this.#party()
    const challenge = await closeChallenge(this.#context, 'passkey_add', input.challengeId)
    if (challenge?.session_id !== person.sessionId) throw new Problem('passkey_refused', 'The passkey came too late, or was asked for elsewhere.')
    const made = await verifyRegistration(party, challenge.value, input.response)
    if (made === null) throw new Problem('passkey_refused', 'What the browser sent is no passkey for this service.')
    const row: Row<'passkeys'> = {
      id: newId('pkey', clock.now()),
      person_id: person.id,
      credential_id: made.credentialId,
      public_key: made.publicKey,
      counter: made.counter,
      transports: JSON.stringify(made.transports),
      name: input.name,
      created_at: clock.now(),
      last_used_at: null,
    }
    await inTransaction(db, async (trx) => {
      if (!(await lockPerson(trx, person.id, dialect))) throw new Problem('not_signed_in', 'The session has ended.')
      if ((await listPasskeys(trx, person.id)).length >= mostPerPerson) throw new Problem('passkey_refused', 'There are too many passkeys.')
      await insertPasskey(trx, row)
      await note(this.#context, trx, { action: 'person.passkey_added', person, actor, change: 'passkeys', detail: { passkey: row.id, name: row.name } })
    }).catch((error: unknown) => {
      throw isUniqueViolation(error) ? new Problem('passkey_refused', 'This passkey is known already.') : error
    })
    await sessions.spread()
    return toView(row)
  }

  /** Removes one; all other sessions end, since whoever has the device may have opened them. @throws Problem not_found */
  async remove(person: SignedIn, id: string, actor: Actor): Promise<void> {
    const { db, sessions } = this.#context
    await inTransaction(db, async (trx) => {
      const removed = await deletePasskey(trx, person.id, id)
      if (!removed) throw new Problem('not_found', 'There is no such passkey.')
      const ended = await sessions.endAll(trx, person.id, person.sessionId)
      const detail = { passkey: id, name: removed.name, sessions_ended: ended }
      await note(this.#context, trx, { action: 'person.passkey_removed', person, actor, change: 'passkeys', detail })
    })
    await sessions.spread()
  }

  /** Begins a sign-in; of a signed-in person: a confirmation, with his own passkeys only. @throws Problem passkey_unavailable, rate_limited */
  async startSignIn(person: SignedIn | null, address: string | null) {
    const party = this.#party()
    const options = await authenticationOptions(party, person === null ? [] : await listPasskeys(this.#context.db, person.id))
    return { challengeId: await openChallenge(this.#context, 'passkey_use', options.challenge, { person, address }), options }
  }

  /**
   * Signs in with what the browser answered. Where the challenge was for a session, it is answered in that session, which counts
   * as fresh again instead.
   *
   * @throws Problem passkey_unavailable, rate_limited
   */
  async signIn(
    input: { challengeId: string; response: AuthenticationResponseJSON; person: SignedIn | null },
    from: From,
  ): Promise<SignInOutcome | { kind: 'confirmed' }> {
    const { db, limit, sessions } = this.#context
    const party = this.#party()
    const attempt = limit.begin('(passkey)', from.address)
    const challenge = await closeChallenge(this.#context, 'passkey_use', input.challengeId)
    const passkey = challenge && (await findPasskey(db, input.response.id))
    if (!challenge || !passkey || challenge.session_id !== (input.person?.sessionId ?? null)) return { kind: 'refused', person: null }
    const outcome = await this.#judge(party, { challenge, passkey, response: input.response }, from)
    if (outcome.kind === 'refused') return outcome
    attempt.succeeded()
    await sessions.spread()
    return outcome
  }

  async #judge(
    party: RelyingParty,
    { challenge, passkey, response }: { challenge: Row<'challenges'>; passkey: Row<'passkeys'>; response: AuthenticationResponseJSON },
    from: From,
  ): Promise<SignInOutcome | { kind: 'confirmed' }> {
    const { db, dialect, clock, sessions } = this.#context
    const refused = (person: { id: string; name: string } | null): SignInOutcome => ({ kind: 'refused', person })
    if (challenge.person_id !== null && challenge.person_id !== passkey.person_id) return refused(null)
    const { userHandle } = response.response
    // Without a person in the challenge the authenticator must have said whose passkey it is.
    if (userHandle === undefined ? challenge.person_id === null : userHandle !== userHandleOf(passkey.person_id)) return refused(null)
    const verified = await verifyAuthentication(party, challenge.value, passkey, response)
    return await inTransaction(db, async (trx) => {
      const person = await lockPerson(trx, passkey.person_id, dialect)
      if (!person || verified === null || person.suspended_at !== null || person.joined_at === null) return refused(person ?? null)
      // Invariant: a counter that does not go on means that there are two of this passkey; neither signs in.
      const counts = verified.counter !== 0 || passkey.counter !== 0
      if (counts && verified.counter <= passkey.counter) return { ...refused(person), why: 'passkey_copied' }
      if (!(await markPasskeyUsed(trx, passkey.id, { before: passkey.counter, after: verified.counter }, clock.now()))) return refused(person)
      const detail = { way: 'passkey', passkey: passkey.id }
      const actor = actorOf(person, from)
      if (challenge.session_id !== null) {
        await sessions.confirm(trx, challenge.session_id)
        await note(this.#context, trx, { action: 'person.confirmed', person, actor, change: 'confirmed', detail })
        return { kind: 'confirmed' }
      }
      const { token } = await sessions.start(trx, person.id, 'passkey', from, clock.now())
      await note(this.#context, trx, { action: 'person.signed_in', person, actor, change: 'signed_in', detail })
      return { kind: 'signed_in', token }
    })
  }

  #party(): RelyingParty {
    const party = relyingPartyOf(this.#context.publicUrl)
    if (party === null) throw new Problem('passkey_unavailable', `Passkeys belong to a name, and ${this.#context.publicUrl} has none.`)
    return party
  }
}

const toView = (row: Row<'passkeys'>): PasskeyView => ({ id: row.id, name: row.name, createdAt: row.created_at, lastUsedAt: row.last_used_at })
