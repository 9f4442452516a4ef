import type { Secret } from '../base/secret.ts'
import { isAllowedHost } from './credential-check.ts'
import { apiHeaders, textAt } from '../oauth/api-call.ts'
import { authenticatedRequest, type ClientCredentials } from '../oauth/client-authentication.ts'
import { writeParameters } from '../oauth/request-shape.ts'
import type { TokenSet } from '../oauth/token-endpoint.ts'
import type { OutgoingRequest } from '../base/http-types.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import type { CredentialContext } from './context.ts'
import { checkDestination, type Reach } from './destination.ts'

/** Returns the request that trades the token of a consent for one that lives longer; null where the provider has no such trade. */
export async function exchangeRequest(provider: ResolvedProvider, client: ClientCredentials, token: Secret, now: number): Promise<OutgoingRequest | null> {
  const rule = provider.data.exchange
  if (rule === undefined) return null
  const parameters = { ...rule.parameters, grant_type: rule.grant_type, [rule.token]: token.reveal() }
  if (rule.client) {
    const asked = { ...provider, data: { ...provider.data, token_request: { method: rule.method, format: rule.format, headers: rule.headers } } }
    return await authenticatedRequest(asked, rule.endpoint, client, parameters, now)
  }
  const { contentType, ...written } = writeParameters({ ...rule, client: false }, rule.endpoint, parameters)
  return { method: rule.method, ...written, headers: { ...rule.headers, ...(contentType === undefined ? {} : { 'content-type': contentType }) } }
}

/**
 * Asks, right after a consent, for the facts that later calls need, such as the host of the account. What cannot be had is
 * left out: the tokens are good without it.
 */
export async function lookUpFacts(context: CredentialContext, provider: ResolvedProvider, tokens: TokenSet, reach: Reach): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const lookup of provider.data.lookups) {
    try {
      checkDestination(reach, { host: new URL(lookup.url).host })
      const response = await context.http({
        method: lookup.method,
        url: lookup.url,
        timeout: 10_000,
        headers: { ...lookup.headers, ...apiHeaders(provider, tokens.accessToken) },
      })
      if (response.status < 200 || response.status >= 300) throw new Error(`status ${response.status}`)
      const answer: unknown = JSON.parse(Buffer.from(response.body).toString('utf8'))
      for (const [name, path] of Object.entries(lookup.keep)) {
        const value = textAt(answer, path)
        if (value !== null) found[name] = value
      }
    } catch (error) {
      context.log.warn('lookup.failed', { provider: provider.id, error })
    }
  }
  return found
}

/**
 * Leaves out of what a provider said every address that is not one of its own hosts: whoever reads these facts sends tokens
 * there.
 */
export function trustedFacts(facts: Record<string, string>, hosts: string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => {
      if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return true
      try {
        const url = new URL(value)
        return url.protocol === 'https:' && url.username === '' && isAllowedHost(url.host, hosts)
      } catch {
        return false
      }
    }),
  )
}
