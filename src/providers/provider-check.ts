import type { FieldError } from '../base/problem.ts'
import { whySlow } from './pattern-speed.ts'
import type { Provider } from './provider-schema.ts'

const slot = /\{([a-z_][a-z0-9_]*)\}/g
/** Slots that are not placeholders: Keybearer fills them itself. */
const own = new Set(['client_id'])

/** Returns what no single field shows: placeholders that do not fit, grants without their address, secrets that would go into an address. */
export function descriptionErrors(provider: Provider): FieldError[] {
  return [...templateErrors(provider), ...placeholderErrors(provider), ...grantErrors(provider), ...secrecyErrors(provider)]
}

/** Every text of a description that may hold slots, with its place. */
function templatesOf(provider: Provider): [path: string, template: string][] {
  const found: [string, string][] = []
  for (const [field, value] of Object.entries(provider)) {
    // The issuer may name a slot that only the provider's answers fill.
    if (typeof value === 'string' && field !== 'issuer' && field !== 'notes') found.push([field, value])
  }
  for (const [call, values] of Object.entries(provider.parameters)) {
    for (const [name, value] of Object.entries(values)) found.push([`parameters.${call}.${name}`, value])
  }
  for (const [name, value] of Object.entries({ ...provider.api.headers, ...provider.token_request.headers })) found.push([`headers.${name}`, value])
  provider.hosts.forEach((host, index) => found.push([`hosts.${index}`, host]))
  provider.lookups.forEach((lookup, index) => found.push([`lookups.${index}.url`, lookup.url]))
  if (provider.exchange) found.push(['exchange.endpoint', provider.exchange.endpoint])
  if (provider.test_request) found.push(['test_request.url', provider.test_request.url])
  return found
}

function templateErrors(provider: Provider): FieldError[] {
  const errors: FieldError[] = []
  for (const [path, template] of templatesOf(provider)) {
    for (const [, name] of template.matchAll(slot)) {
      if (Object.hasOwn(provider.placeholders, name!) || own.has(name!)) continue
      errors.push({ path, message: `uses {${name}}, which is not among the placeholders` })
    }
    const open = openEnd(template)
    const rule = open === null || !Object.hasOwn(provider.placeholders, open) ? undefined : provider.placeholders[open]
    // Invariant: whoever fills a slot chooses among the provider's servers. A free text at the end of a host would be any server at all.
    if (rule && rule.kind === 'part' && rule.values === undefined && !template.startsWith(`{${open}}`)) {
      errors.push({ path, message: `ends its host with {${open}}, which needs a list of values, or the kind "host"` })
    }
  }
  return errors
}

/** Returns the placeholder at the end of a host name: `region` of `https://accounts.zoho.{region}/token`. */
function openEnd(template: string): string | null {
  const host = /^https?:\/\/([^/?#]*)/.exec(template)?.[1]
  return (host === undefined ? null : /\{([a-z_][a-z0-9_]*)\}(?::\d+)?$/.exec(host)?.[1]) ?? null
}

function placeholderErrors(provider: Provider): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, { pattern, values, default: preset, kind }] of Object.entries(provider.placeholders)) {
    const path = `placeholders.${name}`
    if (own.has(name)) errors.push({ path, message: 'is a name that Keybearer fills in itself' })
    if (preset !== undefined && values !== undefined && !values.includes(preset)) errors.push({ path: `${path}.default`, message: 'is not among the values' })
    if (kind !== 'part' && values === undefined && preset !== undefined && kind === 'host' && !/^[\w.-]+(?::\d+)?$/.test(preset)) {
      errors.push({ path: `${path}.default`, message: 'is not a host name' })
    }
    if (pattern === undefined) continue
    const slow = whySlow(pattern)
    if (slow !== null) errors.push({ path: `${path}.pattern`, message: `${slow}, which could take for ever` })
    try {
      RegExp(`^(?:${pattern})$`)
    } catch {
      errors.push({ path: `${path}.pattern`, message: 'is not a regular expression' })
    }
  }
  return errors
}

function grantErrors(provider: Provider): FieldError[] {
  const errors: FieldError[] = []
  if (provider.grants.includes('authorization_code') && provider.authorization_endpoint === undefined) {
    errors.push({ path: 'authorization_endpoint', message: 'is needed for authorization_code' })
  }
  if (provider.grants.includes('device_code') && provider.device_authorization_endpoint === undefined) {
    errors.push({ path: 'device_authorization_endpoint', message: 'is needed for device_code' })
  }
  if (provider.require_pushed_authorization_requests && provider.pushed_authorization_request_endpoint === undefined) {
    errors.push({ path: 'pushed_authorization_request_endpoint', message: 'is needed where requests must be sent ahead' })
  }
  return errors
}

/** Addresses are written into logs everywhere: no client secret goes there. */
function secrecyErrors(provider: Provider): FieldError[] {
  const errors: FieldError[] = []
  const secretInBody = provider.client_auth.some((method) => method === 'client_secret_post' || method === 'private_key_jwt')
  const inAddress = (request: { method: string; format: string } | undefined) =>
    request !== undefined && (request.format === 'query' || request.method === 'GET')
  if (secretInBody && inAddress(provider.token_request)) errors.push({ path: 'token_request', message: 'would put the client secret into an address' })
  for (const name of ['refresh_request', 'exchange'] as const) {
    const request = provider[name]
    if (request?.client === true && secretInBody && inAddress(request)) errors.push({ path: name, message: 'would put the client secret into an address' })
  }
  const { revocation_request: revocation } = provider
  if (revocation.proof === 'client' && secretInBody && revocation.format === 'query') {
    errors.push({ path: 'revocation_request', message: 'would put the client secret into an address' })
  }
  return errors
}
