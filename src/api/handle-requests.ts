import type { Caller } from '../access/caller.ts'
import { Problem } from '../base/problem.ts'
import type { NewHttpRequest } from '../actions/types.ts'
import type { Body } from './endpoint.ts'
import type { EndpointOf } from './contract.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'

export function requestHandlers({ requests, credentials }: Pick<Services, 'requests' | 'credentials'>): HandlersOf<'sendRequest'> {
  return {
    async sendRequest({ body, actor, caller }) {
      const id = await usable(credentials, caller, body.credential)
      const answer = await requests.send(id, toRequest(body), actor)
      const { status, headers, truncated, attempts, duration } = answer
      return { body: { status, headers, body: answer.body.content, body_encoding: answer.body.kind, truncated, duration_ms: duration, attempts } }
    },
  }
}

/**
 * Returns the id of a credential that the caller may send requests with.
 *
 * Invariant: one that the caller has no right on looks exactly like one that does not exist, and is looked for as long.
 */
async function usable(credentials: Services['credentials'], caller: Caller, ref: string): Promise<string> {
  const id = await credentials.idOf(ref, (one) => caller.knows(one))
  if (id === null || !caller.knows(id)) throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`)
  if (caller.can('request', id)) return id
  throw new Problem('not_allowed', `${caller.title} lacks the right "request" for "${ref.slice(0, 100)}".`)
}

function toRequest(input: Body<EndpointOf<'sendRequest'>>): NewHttpRequest {
  const { body } = input
  return {
    method: input.method ?? (body === undefined ? 'GET' : 'POST'),
    url: input.url,
    ...(input.headers ? { headers: input.headers } : {}),
    ...(input.query ? { query: input.query } : {}),
    ...(body === undefined ? {} : { body: toBody(body) }),
    ...(input.key_header === undefined ? {} : { keyHeader: input.key_header }),
    ...(input.timeout_seconds === undefined ? {} : { timeoutSeconds: input.timeout_seconds }),
    ...(input.max_bytes === undefined ? {} : { maxBytes: input.max_bytes }),
  }
}

function toBody(body: NonNullable<Body<EndpointOf<'sendRequest'>>['body']>): NonNullable<NewHttpRequest['body']> {
  if ('json' in body) return { kind: 'json', json: body.json }
  if ('text' in body) return { kind: 'text', text: body.text }
  return { kind: 'base64', base64: body.base64 }
}
