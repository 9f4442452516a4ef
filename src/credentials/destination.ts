import { Problem } from '../base/problem.ts'
import { shellWord } from '../base/shell-word.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { isAllowedHost } from './credential-check.ts'

/** Where a token is about to be sent: the host as lists name it, and the port where lists may leave it out. */
export type Destination = { host: string; port?: number }

/** A server that takes only tokens with one of these scopes, as the catalogue says. */
export type ScopedHost = { host: string; scopes: string[] }

/** What decides where a token may go. */
export type Reach = { name: string; allowedHosts: string[]; notFor: ScopedHost[] }

/**
 * Refuses every host that the credential does not list, and hosts of its provider that its token was not issued for.
 *
 * Invariant: a token goes only where it may; asked at every use, before a token is fetched and again before it is given out.
 *
 * @throws Problem destination_not_allowed
 * @see RFC 9700 section 2.3
 */
export function checkDestination(reach: Reach, { host, port }: Destination): void {
  const allowed = isAllowedHost(host, reach.allowedHosts) || (port !== undefined && isAllowedHost(`${host}:${port}`, reach.allowedHosts))
  if (!allowed) {
    throw new Problem('destination_not_allowed', `"${reach.name}" may not be sent to ${host}.`, {
      nextStep: `If you trust this server: keybearer edit ${shellWord(reach.name)} --add-host ${host}`,
    })
  }
  const server = reach.notFor.find((entry) => entry.host === host.toLowerCase())
  if (server) {
    throw new Problem('destination_not_allowed', `"${reach.name}" has a token for something else: ${host} takes ${server.scopes.join(' or ')}.`, {
      nextStep: `Ask for that scope and reconnect: keybearer edit ${shellWord(reach.name)} --scope …, or make a credential of its own for ${host}.`,
    })
  }
}

/** Returns the mail servers of a provider that a token with these scopes was not issued for. */
export function hostsNotFor(provider: ResolvedProvider, scopes: string[]): ScopedHost[] {
  if (scopes.length === 0) return []
  const servers = new Map<string, string[] | null>()
  for (const { host, scopes: wanted } of Object.values(provider.data.mail ?? {}).flat()) {
    const before = servers.get(host)
    servers.set(host, before === null || wanted === undefined ? null : [...new Set([...(before ?? []), ...wanted])])
  }
  return [...servers].flatMap(([host, wanted]) => (wanted === null || wanted.some((scope) => isAmong(scope, scopes)) ? [] : [{ host, scopes: wanted }]))
}

/** Some providers name a granted scope without the resource that it was asked for with; `.default` says nothing without it. */
export function isAmong(wanted: string, scopes: string[]): boolean {
  const fold = (scope: string) => scope.toLowerCase().replace(/\/+$/, '')
  const last = fold(wanted).split('/').at(-1)
  return scopes.some((scope) => fold(scope) === fold(wanted) || (!scope.includes('/') && scope.toLowerCase() === last))
}
