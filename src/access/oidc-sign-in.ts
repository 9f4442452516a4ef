import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { dropInvitation, findPersonByName, findPersonBySubject, lockPerson, updatePerson, writeFactOnce } from '../storage/persons.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { AccessContext } from './access-context.ts'
import { closeChallenge, openChallenge } from './challenges.ts'
import { freshFor, type From } from './sessions.ts'
import type { Claims, Expected, OidcClient } from './oidc-client.ts'
import { personKey } from './person-names.ts'
import { note } from './persons.ts'
import { actorOf, setUpDone, type SignInOutcome } from './sign-in.ts'

/**
 * How persons sign in at the organisation's own OpenID provider.
 *
 * Invariant: it lets in whom an administrator has invited, and makes nobody. From the first sign-in on the account at the
 * provider counts and no longer its name, so that a name that is given to somebody else opens nothing.
 */
export class OidcSignIn {
  readonly #context: AccessContext
  readonly #client: OidcClient

  constructor(context: AccessContext, client: OidcClient) {
    this.#context = context
    this.#client = client
  }

  get title(): string {
    return this.#client.settings.title
  }

  /** Begins a sign-in. The browser keeps the proof, from which everything is made that its answer must fit. @throws Problem sign_in_failed, rate_limited */
  async begin(options: { again: boolean; address: string | null }): Promise<{ url: string; proof: Secret }> {
    const proof = randomToken(32)
    const state = await openChallenge(this.#context, 'oidc', hash(proof), { person: null, address: options.address })
    return { url: await this.#client.address(expectedOf(state, proof), { again: options.again }), proof: new Secret(proof) }
  }

  /**
   * Ends a sign-in with the answer that the browser brought, in the browser that began it.
   *
   * @throws Problem sign_in_unknown, sign_in_failed, sign_in_refused
   */
  async finish(answer: URLSearchParams, proof: string | null, from: From): Promise<SignInOutcome> {
    const state = answer.get('state')
    const unknown = () => new Problem('sign_in_unknown', 'This browser has begun no sign-in that this answer belongs to.')
    if (state === null || proof === null) throw unknown()
    const challenge = await closeChallenge(this.#context, 'oidc', state)
    if (challenge === null || !timingSafeEqual(Buffer.from(challenge.value, 'hex'), Buffer.from(hash(proof), 'hex'))) throw unknown()
    const claims = await this.#client.claimsOf(answer, expectedOf(state, proof))
    const outcome = await this.#enter(claims, from)
    await this.#context.sessions.spread()
    return outcome
  }

  async #enter(claims: Claims, from: From): Promise<SignInOutcome> {
    const { db, dialect, clock, sessions } = this.#context
    return await inTransaction(db, async (trx): Promise<SignInOutcome> => {
      const bySubject = await findPersonBySubject(trx, claims.subject)
      // A name only counts until there is an account, and an address only where the provider made sure of it.
      const byName = bySubject || claims.name === null || !claims.verified ? undefined : await findPersonByName(trx, personKey(claims.name))
      const found = bySubject ?? byName
      const person = found && (await lockPerson(trx, found.id, dialect))
      if (!person || person.suspended_at !== null) {
        return { kind: 'refused', person: person ?? null, ...(claims.verified ? {} : { why: 'email_not_verified' }) }
      }
      if (person.subject !== null && person.subject !== claims.subject) return { kind: 'refused', person, why: 'other_account' }
      const now = clock.now()
      const joins = person.joined_at === null
      await updatePerson(trx, person.id, { subject: claims.subject, joined_at: person.joined_at ?? now })
      if (joins) {
        await dropInvitation(trx, person.id)
        if (person.role === 'administrator') await writeFactOnce(trx, setUpDone, String(now))
      }
      // The provider may have let somebody through who signed in there hours ago: that proves nothing of now.
      const confirmedAt = claims.signedInAt !== null && claims.signedInAt > now - freshFor ? Math.min(claims.signedInAt, now) : null
      const { token } = await sessions.start(trx, person.id, 'oidc', from, confirmedAt)
      const detail = { way: 'oidc', ...(joins ? { joined: true } : {}) }
      await note(this.#context, trx, { action: 'person.signed_in', person, actor: actorOf(person, from), change: joins ? 'joined' : 'signed_in', detail })
      return { kind: 'signed_in', token }
    }).catch((error: unknown) => {
      // Two browsers came with the same account for the first time.
      if (isUniqueViolation(error)) throw new Problem('sign_in_refused', 'The account was taken meanwhile.')
      throw error
    })
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

const derive = (proof: string, what: string): string => createHmac('sha256', proof).update(what).digest('base64url')

/** Only the browser holds what these are made from; the database has a hash of it. */
const expectedOf = (state: string, proof: string): Expected => ({ state, nonce: derive(proof, 'nonce'), verifier: derive(proof, 'code verifier') })
