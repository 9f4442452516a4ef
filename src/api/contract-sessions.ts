import { z } from 'zod'
import { roles } from '../access/roles.ts'
import { endpoint } from './endpoint.ts'
import { optionalTime, secret, time, word } from './schemas.ts'

export const session = z
  .object({
    person: z.object({ id: z.string(), name: z.string(), role: z.enum(roles) }).nullable(),
    setup_needed: z.boolean().meta({ description: 'Nobody has signed in yet: the one-time link of the first start is needed' }),
    fresh_until: optionalTime.meta({ description: 'Until when the person counts as having proven himself just now' }),
    ways: z
      .object({
        password: z.boolean().meta({ description: 'By name and password; of a signed-in person: he has one' }),
        passkey: z.boolean().meta({ description: 'Somebody has a passkey; of a signed-in person: he has one' }),
        oidc: z.object({ title: z.string() }).nullable().meta({ description: 'The OpenID provider at which persons sign in, too: GET /oauth/sign-in' }),
      })
      .meta({ id: 'SignInWays', description: 'How one signs in here, or proves oneself again' }),
    expires_at: optionalTime.meta({ description: 'When the session ends if nothing more is heard of it' }),
  })
  .meta({ id: 'Session', description: 'Who is signed in with the cookie of this browser' })

const name = word(200)
const password = secret('The password.', 1000)
const newPassword = secret('A new password, at least 12 characters.', 1000)
const code = word(200).meta({ description: 'What stands behind the # of the link', writeOnly: true })

export const sessionEndpoints = [
  endpoint({
    id: 'getSession',
    method: 'GET',
    path: '/v1/session',
    tag: 'Persons',
    summary: 'Says who is signed in with the cookie of this browser.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
  }),
  endpoint({
    id: 'signIn',
    method: 'POST',
    path: '/v1/session',
    tag: 'Persons',
    summary: 'Signs a person in by name and password; the answer sets the cookie of the session.',
    permission: 'public',
    audit: 'person.signed_in',
    body: z.strictObject({ name, password }).meta({ id: 'SignIn' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['sign_in_refused', 'rate_limited'],
  }),
  endpoint({
    id: 'signOut',
    method: 'DELETE',
    path: '/v1/session',
    tag: 'Persons',
    summary: 'Ends the session.',
    permission: 'person',
    audit: 'person.signed_out',
    status: 204,
    kind: 'nothing',
  }),
  endpoint({
    id: 'confirmSignIn',
    method: 'POST',
    path: '/v1/session/confirmation',
    tag: 'Persons',
    summary: 'Proves again that it is the signed-in person, for what needs a fresh sign-in.',
    permission: 'person',
    audit: 'person.confirmed',
    body: z.strictObject({ password }).meta({ id: 'Confirmation' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['sign_in_refused', 'password_missing', 'rate_limited'],
  }),
  endpoint({
    id: 'changePassword',
    method: 'POST',
    path: '/v1/session/password',
    tag: 'Persons',
    summary: 'Changes the own password; all other sessions of the person end.',
    permission: 'person',
    audit: 'person.password_changed',
    body: z.strictObject({ current: password, password: newPassword }).meta({ id: 'PasswordChange' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['sign_in_refused', 'password_missing', 'password_weak', 'changed_meanwhile', 'rate_limited'],
  }),
  endpoint({
    id: 'listSessions',
    method: 'GET',
    path: '/v1/sessions',
    tag: 'Persons',
    summary: 'Lists the open sessions of the signed-in person.',
    permission: 'person',
    audit: null,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        items: z.array(
          z
            .object({
              id: z.string(),
              current: z.boolean(),
              created_at: time,
              last_seen_at: time,
              address: z.string().nullable(),
              user_agent: z.string().nullable(),
            })
            .meta({ id: 'OpenSession' }),
        ),
        next: z.null(),
      })
      .meta({ id: 'Sessions' }),
  }),
  endpoint({
    id: 'endSession',
    method: 'DELETE',
    path: '/v1/sessions/{session}',
    tag: 'Persons',
    summary: 'Ends a session of the signed-in person, such as one that was left open elsewhere.',
    permission: 'person',
    audit: 'person.session_ended',
    params: z.strictObject({ session: word(100).meta({ description: 'Id of the session' }) }),
    status: 204,
    kind: 'nothing',
  }),
  endpoint({
    id: 'setUp',
    method: 'POST',
    path: '/v1/setup',
    tag: 'Persons',
    summary: 'Makes the first administrator, with the code of the one-time link of the first start, and signs in.',
    permission: 'public',
    audit: 'person.set_up',
    body: z.strictObject({ code, name, password: newPassword }).meta({ id: 'SetUp' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['setup_done', 'invitation_unknown', 'password_weak', 'name_taken', 'rate_limited'],
  }),
  endpoint({
    id: 'openInvitation',
    method: 'POST',
    path: '/v1/invitations/open',
    tag: 'Persons',
    summary: 'Shows what a one-time link invites to; the link stays good.',
    permission: 'public',
    audit: 'person.invitation_opened',
    body: z.strictObject({ code }).meta({ id: 'InvitationCode' }),
    status: 200,
    kind: 'json',
    reply: z.object({ role: z.enum(roles), name: z.string(), invited_by: z.string(), expires_at: time }).meta({ id: 'Invitation' }),
    noStore: true,
    problems: ['invitation_unknown', 'rate_limited'],
  }),
  endpoint({
    id: 'acceptInvitation',
    method: 'POST',
    path: '/v1/invitations/accept',
    tag: 'Persons',
    summary: 'Accepts an invitation with a new password, and signs in. The link is used up.',
    permission: 'public',
    audit: 'person.joined',
    body: z.strictObject({ code, name, password: newPassword }).meta({ id: 'InvitationAnswer' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['invitation_unknown', 'password_weak', 'name_taken', 'rate_limited'],
  }),
] as const
