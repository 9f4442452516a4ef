import { Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { readJsonObject } from './json-object.ts'
import type { RawAnswer } from './token-endpoint.ts'
import { checkBrowserUrl } from './urls.ts'

/**
 * Reads what the provider said to an authorization request that was sent ahead, and returns the address where the person
 * goes: it names the request, and nothing of what is in it.
 *
 * @throws Problem provider_unavailable, consent_failed
 * @see RFC 9126 sections 2.2 and 4
 */
export function readPushedRequest(answer: RawAnswer, provider: ResolvedProvider, clientId: string): string {
  if (answer.status === 429 || answer.status >= 500) {
    throw new Problem('provider_unavailable', `${provider.name} answers with status ${answer.status}.`, { retryAfter: 30 })
  }
  const fields = readJsonObject(answer.body) ?? {}
  const { request_uri: name } = fields
  if (answer.status < 200 || answer.status >= 300 || typeof name !== 'string' || !/^[\x21-\x7e]{1,2048}$/.test(name)) {
    const words = redactText([fields.error, fields.error_description].filter((part) => typeof part === 'string').join(': ') || `status ${answer.status}`, 400)
    throw new Problem('consent_failed', `${provider.name} did not take the request that was sent ahead: ${words}`)
  }
  const url = new URL(checkBrowserUrl(provider.authorizationEndpoint ?? ''))
  url.searchParams.set('client_id', clientId)
  url.searchParams.set('request_uri', name)
  return url.href
}
