import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { networkTest } from '../access/caller.ts'
import { isLoopback } from '../base/addresses.ts'
import { Problem } from '../base/problem.ts'
import type { ReachOptions } from './services.ts'

/** Decides where a request really comes from, and whether it was meant for this service. */
export type Reach = {
  /** The network address of the caller; behind a proxy that is trusted, the one that the proxy names. */
  addressOf(request: IncomingMessage): string | null
  /** @throws Problem host_not_expected, origin_not_allowed */
  check(request: IncomingMessage): void
}

/**
 * Makes the checks of Host and Origin.
 *
 * A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding) or post a form here; the first is told by
 * its Host, the second by its Origin. The public address is a setting and never taken from a header.
 */
export function createReach(publicUrl: string, options: Pick<ReachOptions, 'allowedHosts' | 'trustedProxies'>): Reach {
  const own = new URL(publicUrl)
  const names = new Set([own.hostname.toLowerCase(), ...options.allowedHosts.map((host) => host.toLowerCase())])
  const trusts = options.trustedProxies.length === 0 ? () => false : networkTest(options.trustedProxies)

  const isExpected = (host: string, request: IncomingMessage): boolean => {
    const lower = host.toLowerCase()
    if (names.has(lower)) return true
    const match = /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(?::\d{1,5})?$/.exec(lower)
    if (!match) return false
    const name = match[1]!.replace(/^\[|\]$/g, '')
    return names.has(name) || names.has(match[1]!) || isLoopback(name) || name === plain(request.socket.localAddress)
  }

  // Names that were found good, so that a busy caller's Host is judged once.
  const good = new Set<string>()
  const isGood = (host: string, request: IncomingMessage): boolean => {
    if (good.has(host)) return true
    if (!isExpected(host, request)) return false
    if (good.size >= 100) good.clear()
    good.add(host)
    return true
  }

  return {
    addressOf(request) {
      const direct = plain(request.socket.remoteAddress)
      if (!trusts(direct)) return direct
      const forwarded = request.headers['x-forwarded-for']
      if (forwarded === undefined) return direct
      // From the right: what a trusted proxy wrote is true, what stands further left anybody may have written.
      const hops = String(forwarded)
        .split(',')
        .map((hop) =>
          plain(
            hop
              .trim()
              .replace(/^\[|\](?::\d+)?$/g, '')
              .replace(/^([\d.]+):\d+$/, '$1'),
          ),
        )
      for (const hop of hops.reverse()) {
        if (hop === null || isIP(hop) === 0) return direct
        if (!trusts(hop)) return hop
      }
      return direct
    },
    check(request) {
      const host = request.headers.host
      if (host === undefined || !isGood(host, request)) {
        throw new Problem(
          'host_not_expected',
          `The request is for ${host === undefined ? 'no host' : `"${host.slice(0, 100)}"`}, which is not a name of this service.`,
        )
      }
      const origin = request.headers.origin
      if (origin !== undefined && origin !== own.origin && origin !== `http://${host}` && origin !== `https://${host}`) {
        throw new Problem('origin_not_allowed', 'The request comes from a page of another site.')
      }
      const site = request.headers['sec-fetch-site']
      if (site !== undefined && site !== 'same-origin' && site !== 'none' && request.url!.startsWith('/v1/')) {
        throw new Problem('origin_not_allowed', 'The request comes from a page of another site.')
      }
    },
  }
}

const plain = (address: string | undefined): string | null => {
  if (address === undefined || address === '') return null
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
