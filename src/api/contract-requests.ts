import { z } from 'zod'
import { requestMethods } from '../actions/types.ts'
import { longestTimeout, mostBytes } from '../actions/request-check.ts'
import { endpoint } from './endpoint.ts'
import { count, ref, word } from './schemas.ts'

const body = z.union([
  z.strictObject({ json: z.unknown() }),
  z.strictObject({ text: z.string() }),
  z.strictObject({ base64: z.base64().meta({ description: 'For what is no text' }) }),
])

export const requestEndpoints = [
  endpoint({
    id: 'sendRequest',
    method: 'POST',
    path: '/v1/requests',
    tag: 'Requests',
    summary: 'Sends an HTTP request with a credential and returns the answer; the caller never sees the token.',
    description:
      'Needs the right `request` on the credential. The token goes only to hosts that the credential lists, in the way its provider wants it; it is taken out of the answer if the server writes it back. Redirects are returned, not followed. A token that the server refuses with 401 is renewed once and the request sent again, if its method allows that (GET, HEAD, PUT, DELETE) or the server says `invalid_token`. GET and HEAD are sent again after 429 and 503 when Retry-After fits into the time. The reply has status 200 whatever the server answered: its own status stands in it.',
    permission: { anyCredential: 'request' },
    audit: 'request.sent',
    body: z
      .strictObject({
        credential: ref('credential'),
        method: z.enum(requestMethods).optional().meta({ description: 'GET unless told, POST with a body' }),
        url: z.string().min(1).max(16_000).meta({ description: 'At a host that the credential lists; https, or http on loopback where that is allowed' }),
        headers: z
          .record(word(100), z.string().max(8000))
          .refine((headers) => Object.keys(headers).length <= 50, 'must be at most 50')
          .optional()
          .meta({ description: 'Further headers; Authorization, Cookie, Host and those of the connection are set by Keybearer' }),
        query: z.record(z.string().max(200), z.string().max(8000)).optional().meta({ description: 'Parameters that are added to the address' }),
        body: body.optional().meta({ description: 'Its Content-Type goes by its kind unless `headers` says another' }),
        key_header: word(100)
          .optional()
          .meta({ description: 'For an API key: the header it goes into, such as X-Api-Key; Authorization as a bearer token unless told' }),
        timeout_seconds: z.int().min(1).max(longestTimeout).optional().meta({ description: 'Until the whole answer must be there; 30 unless told' }),
        max_bytes: z.int().min(0).max(mostBytes).optional().meta({ description: 'The most that is given of the body; 1 MiB unless told' }),
      })
      .meta({ id: 'NewRequest' }),
    status: 200,
    kind: 'json',
    reply: z
      .object({
        status: z.int(),
        headers: z.record(z.string(), z.string()).meta({ description: 'Lower-case names; no cookies, and only headers that are known to be of use' }),
        body: z.string(),
        body_encoding: z.enum(['text', 'base64']).meta({ description: 'base64 when the body is not UTF-8' }),
        truncated: z.boolean().meta({ description: 'There was more than `max_bytes`' }),
        duration_ms: count.meta({ description: 'With the waits between attempts' }),
        attempts: count,
      })
      .meta({ id: 'RequestAnswer', description: 'What the server answered' }),
    largeBody: true,
    noStore: true,
    problems: [
      'not_found',
      'not_allowed',
      'incomplete',
      'needs_consent',
      'misconfigured',
      'paused',
      'provider_unavailable',
      'clock_skew',
      'wrong_kind',
      'destination_not_allowed',
      'address_not_allowed',
      'outgoing_failed',
      'audit_blocked',
    ],
  }),
] as const
