import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { flag } from './schemas.ts'

export const oidcEndpoints = [
  endpoint({
    id: 'beginSignIn',
    method: 'GET',
    path: '/oauth/sign-in',
    tag: 'Persons',
    summary: 'Sends the browser to the OpenID provider at which persons sign in.',
    description: 'The browser gets a cookie, and only with that cookie is the answer of the provider taken.',
    permission: 'public',
    audit: null,
    query: z.strictObject({ again: flag.optional().meta({ description: 'The provider asks anew who is there, for what needs a fresh sign-in' }) }),
    status: 303,
    kind: 'html',
    noStore: true,
  }),
  endpoint({
    id: 'finishSignIn',
    method: 'GET',
    path: '/oauth/sign-in/callback',
    tag: 'Persons',
    summary: 'Takes the answer of the OpenID provider, and signs in whom an administrator has invited.',
    permission: 'public',
    audit: 'person.signed_in',
    status: 303,
    kind: 'html',
    noStore: true,
  }),
] as const
