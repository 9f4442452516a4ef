import { Secret } from '../base/secret.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { signInFrom, type SessionAnswers } from './session-answers.ts'
import type { SessionCookie } from './session-cookie.ts'
import { iso } from './views.ts'

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

export function sessionHandlers({ sessions, signIn }: Pick<Services, 'sessions' | 'signIn'>, answers: SessionAnswers, cookie: SessionCookie): HandlersOf<Ids> {
  return {
    getSession: (call) => answers.current(call),
    async signIn(call) {
      const outcome = await signIn.withPassword({ name: call.body.name, password: new Secret(call.body.password) }, signInFrom(call))
      if (outcome.kind === 'signed_in') return await answers.entered(outcome.token, call.address)
      throw await answers.refused(call.address, outcome, 'There is nobody of this name with this password.')
    },
    async signOut({ caller, actor }) {
      const person = caller.person!
      await sessions.end(person, person.sessionId, actor)
      return { headers: { 'set-cookie': cookie.clear() } }
    },
    async confirmSignIn(call) {
      await signIn.confirm(call.caller.person!, new Secret(call.body.password), call.actor)
      return await answers.renewed(call)
    },
    async changePassword(call) {
      const { current, password } = call.body
      await signIn.changePassword(call.caller.person!, { current: new Secret(current), password: new Secret(password) }, call.actor)
      return await answers.renewed(call)
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
      return await answers.entered(await signIn.setUp({ code, name, password: new Secret(password) }, signInFrom(call)), call.address)
    },
    async openInvitation({ body, address }) {
      const view = await signIn.openInvitation(body.code, address)
      return { body: { role: view.role, name: view.name, invited_by: view.invitedBy, expires_at: iso(view.expiresAt) } }
    },
    async acceptInvitation(call) {
      const { code, name, password } = call.body
      return await answers.entered(await signIn.acceptInvitation({ code, name, password: new Secret(password) }, signInFrom(call)), call.address)
    },
  }
}
