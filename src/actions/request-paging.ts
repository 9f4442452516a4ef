import { Problem } from '../base/problem.ts'
import type { Paging, Result } from './action-types.ts'
import { atPath } from './json-path.ts'
import type { HttpAnswer, NewHttpRequest } from './types.ts'

/** Returns what one page adds to the whole. */
export function pageItems({ items }: Paging, result: Result): unknown[] {
  if (items === null) return [result.json ?? result.body]
  const found = atPath(result.json, items)
  return Array.isArray(found) ? found : []
}

/**
 * Returns the request for the next page; null: this was the last one.
 *
 * Invariant: the next page is at the same scheme, host and port, whatever the answer says.
 *
 * @throws Problem outgoing_failed for a link that leads elsewhere or to the same page again
 */
export function nextPage(paging: Paging, current: NewHttpRequest, answer: HttpAnswer, result: Result): NewHttpRequest | null {
  if (paging.by === 'cursor') {
    const cursor = atPath(result.json, paging.path ?? '')
    if ((typeof cursor !== 'string' && typeof cursor !== 'number') || cursor === '') return null
    const { [paging.parameter!]: before, ...query } = current.query ?? {}
    if (before === String(cursor)) throw repeated()
    return { ...current, query: { ...query, [paging.parameter!]: String(cursor) } }
  }
  const link = paging.by === 'link_header' ? nextLink(answer.headers.link ?? '') : atPath(result.json, paging.path ?? '')
  if (typeof link !== 'string' || link === '') return null
  if (!URL.canParse(link, current.url)) throw elsewhere()
  const url = new URL(link, current.url)
  if (url.origin !== new URL(current.url).origin) throw elsewhere()
  if (url.href === new URL(current.url).href && Object.keys(current.query ?? {}).length === 0) throw repeated()
  // A link says the whole query.
  return { ...current, url: url.href, query: {} }
}

const elsewhere = () =>
  new Problem('outgoing_failed', 'The link to the next page leads to another host.', {
    facts: { sent: true },
    nextStep: 'Check the answer of the server: pages must be at the host of the request.',
  })
const repeated = () =>
  new Problem('outgoing_failed', 'The server names the same page again as the next one.', {
    facts: { sent: true },
    nextStep: 'Check the paging of the action.',
  })

/** Returns the target of the link with the relation "next". @see RFC 8288 section 3 */
function nextLink(header: string): string | null {
  for (const [, target, parameters] of header.slice(0, 16_000).matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters ?? '')) return target ?? null
  }
  return null
}
