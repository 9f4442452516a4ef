import { isIP } from 'node:net'
import type { FieldError } from '../base/problem.ts'

/**
 * What a placeholder stands for: `label` one label of a host, `host` a whole host with or without a port, `segment` one
 * segment of a path, `url` a whole address that stands alone.
 */
export const placeholderKinds = ['label', 'host', 'segment', 'url'] as const
export type PlaceholderKind = (typeof placeholderKinds)[number]

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const kindPatterns: Record<PlaceholderKind, RegExp> = {
  label: new RegExp(`^${label}$`),
  host: new RegExp(`^(?:${label}\\.)*${label}(?::\\d{1,5})?$`),
  segment: /^[A-Za-z0-9_](?:[A-Za-z0-9._~-]{0,253}[A-Za-z0-9_~-])?$/,
  url: /^https?:\/\/[^\s"'<>\\^`{|}\p{Cc}]{1,2000}$/u,
}

export type PlaceholderRule = {
  kind: PlaceholderKind
  pattern?: string | undefined
  options?: string[] | undefined
  suffixes?: string[] | undefined
  default?: string | undefined
  optional?: boolean | undefined
}

/** Names that a template may hold besides placeholders: filled when the request is made. */
const lateNames = ['client_id']

/** Returns the names in braces. */
export const namesIn = (template: string): string[] => [...template.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '')

/** Returns whether a host means this very machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Returns why an address may not be an endpoint; null when it may: https, or http on loopback, with a plain host. */
export function endpointError(address: string): string | null {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return 'is not an address'
  }
  if (/[\s\p{Cc}\\"'<>`]/u.test(address)) return 'must not contain spaces, quotes or control characters'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))) return null
  return 'must begin with https:// (http:// only on loopback)'
}

/** Checks the values of placeholders and adds the defaults; whatever is left over or missing is an error. */
export function checkPlaceholders(
  rules: Record<string, PlaceholderRule>, given: Record<string, string>,
): { values: Record<string, string>; errors: FieldError[] } {
  const errors: FieldError[] = []
  const values: Record<string, string> = {}
  const complain = (name: string, message: string) => errors.push({ path: `placeholders.${name}`, message })
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name)) complain(name, 'is not a placeholder of this provider')
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) || rule.default
    if (value === undefined) {
      if (!rule.optional) complain(name, 'is needed')
      continue
    }
    const message = valueError(rule, value)
    if (message) complain(name, message)
    else values[name] = value
  }
  return { values, errors }
}

function valueError(rule: PlaceholderRule, value: string): string | null {
  if (!kindPatterns[rule.kind].test(value)) return `is not a ${rule.kind === 'url' ? 'web address' : rule.kind}`
  if (rule.kind === 'url') {
    const message = endpointError(value)
    if (message) return message
  }
  if (rule.options && !rule.options.includes(value)) return `must be one of ${rule.options.join(', ')}`
  if (rule.pattern !== undefined && !new RegExp(`^(?:${rule.pattern})$`, 'u').test(value)) return `must match ${rule.pattern}`
  if (rule.suffixes && !rule.suffixes.some((suffix) => value.toLowerCase().replace(/:\d+$/, '').endsWith(suffix))) {
    return `must end with ${rule.suffixes.join(' or ')}`
  }
  return null
}

/**
 * Fills a URL template. Returns null when an optional placeholder in it has no value.
 *
 * Invariant: a value never changes anything but its own slot. Whatever the patterns let through, the result is parsed again
 * and must have the host, the path segments, the query and the fragment that the template says.
 *
 * @throws Error with a sentence about the address when it does not
 */
export function fillUrl(template: string, values: Record<string, string>): string | null {
  const missing = namesIn(template).some((name) => !Object.hasOwn(values, name) && !lateNames.includes(name))
  if (missing) return null
  const fill = (part: string) => part.replace(/\{([^{}]*)\}/g, (slot, name: string) => (Object.hasOwn(values, name) ? values[name]! : slot))
  const filled = fill(template)
  const message = endpointError(lateAsText(filled))
  if (message) throw new Error(message)
  if (/^\{[^{}]*\}$/.test(template)) return filled

  const parts = /^(https?):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(template)
  if (!parts) throw new Error('is not an address')
  const [, scheme, authority = '', path = '', query = '', fragment = ''] = parts
  const url = new URL(lateAsText(filled))
  const expected = new URL(`${scheme}://${fill(authority).toLowerCase()}/`)
  const same = url.protocol === `${scheme}:`
    && url.host === expected.host
    && authoritiesAgree(fill(authority), expected)
    && url.pathname === (lateAsText(fill(path)) || '/')
    && url.search === lateAsText(fill(query)).replace(/^\?$/, '')
    && url.hash === fill(fragment).replace(/^#$/, '')
    && (query !== '' || !filled.includes('?')) && (fragment !== '' || !filled.includes('#'))
  if (!same) throw new Error('is changed by a placeholder beyond its place')
  return filled
}

/** A host part that the parser read otherwise than it is written, such as `a@b` or `a/b`, is not a host. */
function authoritiesAgree(authority: string, parsed: URL): boolean {
  const written = authority.toLowerCase()
  return written === parsed.host || written === `${parsed.hostname}:${parsed.protocol === 'https:' ? '443' : '80'}`
}

/** Lets `new URL` read an address whose `{client_id}` is filled later. */
const lateAsText = (text: string) => text.replaceAll('{client_id}', 'client-id')

type Templated = Record<string, unknown> & {
  placeholders?: Record<string, PlaceholderRule> | undefined
  issuer_slots?: Record<string, unknown> | undefined
}

/** Returns what is wrong with the templates of a description: undeclared names, and kinds that stand where they must not. */
export function templateErrors(provider: Templated): { path: (string | number)[]; message: string }[] {
  const errors: { path: (string | number)[]; message: string }[] = []
  const rules = provider.placeholders ?? {}
  const visit = (value: unknown, path: (string | number)[]) => {
    if (typeof value === 'string') {
      const message = oneTemplateError(value, path, rules, Object.keys(provider.issuer_slots ?? {}))
      if (message) errors.push({ path, message })
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, Array.isArray(value) ? Number(key) : key])
    }
  }
  const places = [
    'issuer', 'discovery_url', 'authorization_endpoint', 'token_endpoint', 'refresh_endpoint', 'revocation_endpoint',
    'device_authorization_endpoint', 'userinfo_endpoint', 'jwks_uri', 'hosts', 'trusted_metadata_hosts',
  ]
  for (const place of places) visit(provider[place], [place])
  for (const [path, value] of innerUrls(provider)) visit(value, path)
  return errors
}

function* innerUrls(provider: Templated): Iterable<[(string | number)[], unknown]> {
  yield [['test_request', 'url'], (provider.test_request as { url?: string } | undefined)?.url]
  for (const [i, source] of ((provider.account_label ?? []) as { url?: string }[]).entries()) yield [['account_label', i, 'url'], source.url]
}

function oneTemplateError(template: string, path: (string | number)[], rules: Record<string, PlaceholderRule>, slots: string[]): string | null {
  const isHost = path[0] === 'hosts' || path[0] === 'trusted_metadata_hosts'
  const known = (name: string) => Object.hasOwn(rules, name) || (path[0] === 'issuer' && slots.includes(name))
    || (lateNames.includes(name) && !isHost && path[0] !== 'issuer')
  for (const name of namesIn(template)) if (!known(name)) return `names the placeholder {${name}}, which is not described`
  if (/[{}]/.test(template.replace(/\{[^{}]*\}/g, ''))) return 'has a brace without its other half'
  const kinds = (part: string) => namesIn(part).map((name) => rules[name]?.kind ?? 'segment')
  if (/^\{[^{}]*\}$/.test(template)) {
    const [kind] = kinds(template)
    return kind === (isHost ? 'host' : 'url') ? null : `needs a placeholder of kind ${isHost ? 'host' : 'url'}`
  }
  const [, authority = '', rest = ''] = isHost ? ['', template, ''] : (/^https?:\/\/([^/?#]*)(.*)$/s.exec(template) ?? [])
  if (!isHost && authority === '') return 'must begin with https://'
  if (kinds(authority).some((kind) => kind !== 'label' && kind !== 'host')) return 'needs a placeholder of kind label or host in its host'
  if (kinds(rest).some((kind) => kind !== 'segment' && kind !== 'label')) return 'needs a placeholder of kind segment after its host'
  // The same address with harmless values must be an allowed one.
  return isHost ? null : endpointError(template.replace(/\{[^{}]*\}/g, 'x'))
}
