import type { SignedIn } from '../access/caller.ts'
import type { From } from '../access/sessions.ts'
import type { SignInOutcome } from '../access/sign-in.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { Call } from './call.ts'
import { nobody } from './guard.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Services } from './services.ts'
import type { SessionCookie } from './session-cookie.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

type Where = Pick<Call, 'session' | 'address'>
type Answer = { body: Reply<'getSession'>; headers?: Record<string, string> }

/** How every way to sign in answers: with the session as it then is. */
export type SessionAnswers = {
  /** The session of whoever asks; nobody's, and without its cookie, when it has ended. */
  current(where: Where): Promise<Answer>
  /** The person who asks, if one is signed in; he is not counted as busy by that. */
  personOf(where: Where): Promise<SignedIn | null>
  /** The session that a token opens; the browser keeps it. */
  entered(token: Secret, address: string | null): Promise<Answer>
  /** The session as it is after something of it changed. */
  renewed(where: Where): Promise<Answer>
  /** Records that a sign-in failed and returns what the caller is told. */
  refused(address: string | null, outcome: SignInOutcome & { kind: 'refused' }, detail: string, nextStep?: string): Promise<Problem>
}

export function sessionAnswers(
  { sessions, signIn, passkeys, oidc }: Pick<Services, 'sessions' | 'signIn' | 'passkeys' | 'oidc'>,
  refusals: Refusals,
  cookie: SessionCookie,
): SessionAnswers {
  const bodyOf = async (person: SignedIn | null): Promise<Reply<'getSession'>> => ({
    person: person && { id: person.id, name: person.name, role: person.role },
    setup_needed: await signIn.isSetUpNeeded(),
    fresh_until: isoOrNull(person?.freshUntil ?? null),
    expires_at: person === null ? null : iso(sessions.endOf(person)),
    ways: {
      password: person === null || (await signIn.hasPassword(person.id)),
      passkey: await passkeys.areThere(person?.id ?? null),
      oidc: oidc && { title: oidc.title },
    },
  })
  const personOf = async ({ session, address }: Where): Promise<SignedIn | null> => {
    if (session === null) return null
    try {
      return (await sessions.authenticate(session, address, { quiet: true })).person
    } catch (error) {
      if (isProblem(error, 'not_signed_in')) return null
      throw error
    }
  }
  return {
    personOf,
    async current(where) {
      const person = await personOf(where)
      // The cookie of an ended session stays: the answer might come after a newer cookie, which it would take away.
      return { body: await bodyOf(person) }
    },
    async entered(token, address) {
      const { person } = await sessions.authenticate(token.reveal(), address)
      return { body: await bodyOf(person), headers: { 'set-cookie': cookie.set(token.reveal()) } }
    },
    renewed: async ({ session, address }) => ({ body: await bodyOf((await sessions.authenticate(session ?? '', address)).person) }),
    async refused(address, { person, why }, detail, nextStep) {
      await refusals.record({
        actor: nobody(address),
        action: 'person.sign_in_refused',
        subject: person?.id ?? null,
        subjectName: person?.name ?? null,
        outcome: 'refused',
        reason: why ?? 'sign_in_refused',
      })
      return new Problem('sign_in_refused', detail, nextStep === undefined ? {} : { nextStep })
    },
  }
}

/** Where a sign-in comes from, and the session that it takes the place of. */
export const signInFrom = ({ address, userAgent, session }: Pick<Call, 'address' | 'userAgent' | 'session'>): From => ({
  address,
  userAgent,
  replaces: session,
})
