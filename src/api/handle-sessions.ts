import type { SignedIn } from '../access/caller.ts'
import type { From } from '../access/sessions.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Call, HandlersOf } from './call.ts'
import { nobody } from './guard.ts'
import type { Refusals } from './refusals.ts'
import type { Services } from './services.ts'
import type { SessionCookie } from './session-cookie.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

type Ids =
  | 'getSession'
  | 'signIn'
  | 'signOut'
  | 'confirmSignIn'
  | 'changePassword'
  | 'listSessions'
  | 'endSession'
  | 'setUp'
  | 'openInvitation'
  | 'acceptInvitation'

type Needed = Pick<Services, 'sessions' | 'signIn'>

export function sessionHandlers({ sessions, signIn }: Needed, refusals: Refusals, cookie: SessionCookie): HandlersOf<Ids> {
  const bodyOf = async (person: SignedIn | null): Promise<Reply<'getSession'>> => ({
    person: person && { id: person.id, name: person.name, role: person.role },
    setup_needed: await signIn.isSetUpNeeded(),
    fresh_until: isoOrNull(person?.freshUntil ?? null),
    expires_at: person === null ? null : iso(sessions.endOf(person)),
  })
  /** Answers with the session that a token opens, and lets the browser keep it. */
  const entered = async (token: Secret, address: string | null) => {
    const { person } = await sessions.authenticate(token.reveal(), address)
    return { body: await bodyOf(person), headers: { 'set-cookie': cookie.set(token.reveal()) } }
  }
  /** Answers with the session as it is now, after something of it changed. */
  const renewed = async ({ session, address }: Pick<Call, 'session' | 'address'>) => ({
    body: await bodyOf((await sessions.authenticate(session ?? '', address)).person),
  })
  return {
    async getSession({ session, address }) {
      if (session === null) return { body: await bodyOf(null) }
      try {
        return { body: await bodyOf((await sessions.authenticate(session, address, { quiet: true })).person) }
      } catch (error) {
        if (!isProblem(error, 'not_signed_in')) throw error
        return { body: await bodyOf(null), headers: { 'set-cookie': cookie.clear() } }
      }
    },
    async signIn(call) {
      const outcome = await signIn.withPassword({ name: call.body.name, password: new Secret(call.body.password) }, from(call))
      if (outcome.kind === 'signed_in') return await entered(outcome.token, call.address)
      await refusals.record({
        actor: nobody(call.address),
        action: 'person.sign_in_refused',
        subject: outcome.person?.id ?? null,
        subjectName: outcome.person?.name ?? null,
        outcome: 'refused',
        reason: 'sign_in_refused',
      })
      throw new Problem('sign_in_refused', 'There is nobody of this name with this password.')
    },
    async signOut({ caller, actor }) {
      const person = caller.person!
      await sessions.end(person, person.sessionId, actor)
      return { headers: { 'set-cookie': cookie.clear() } }
    },
    async confirmSignIn(call) {
      await signIn.confirm(call.caller.person!, new Secret(call.body.password), call.actor)
      return await renewed(call)
    },
    async changePassword(call) {
      const { current, password } = call.body
      await signIn.changePassword(call.caller.person!, { current: new Secret(current), password: new Secret(password) }, call.actor)
      return await renewed(call)
    },
    async listSessions({ caller }) {
      const items = (await sessions.list(caller.person!)).map((one) => ({
        id: one.id,
        current: one.current,
        created_at: iso(one.createdAt),
        last_seen_at: iso(one.lastSeenAt),
        address: one.address,
        user_agent: one.userAgent,
      }))
      return { body: { items, next: null } }
    },
    async endSession({ caller, actor, params }) {
      await sessions.end(caller.person!, params.session, actor)
      return {}
    },
    async setUp(call) {
      const { code, name, password } = call.body
      return await entered(await signIn.setUp({ code, name, password: new Secret(password) }, from(call)), call.address)
    },
    async openInvitation({ body, address }) {
      const view = await signIn.openInvitation(body.code, address)
      return { body: { role: view.role, name: view.name, invited_by: view.invitedBy, expires_at: iso(view.expiresAt) } }
    },
    async acceptInvitation(call) {
      const { code, name, password } = call.body
      return await entered(await signIn.acceptInvitation({ code, name, password: new Secret(password) }, from(call)), call.address)
    },
  }
}

/** Where a sign-in comes from, and the session that it takes the place of. */
const from = ({ address, userAgent, session }: Pick<Call, 'address' | 'userAgent' | 'session'>): From => ({ address, userAgent, replaces: session })
