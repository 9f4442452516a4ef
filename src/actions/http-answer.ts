import { isUtf8 } from 'node:buffer'
import type { OutgoingResponse } from '../base/http-types.ts'
import type { Hider } from './hide-secrets.ts'
import type { HttpAnswer } from './types.ts'

/** What callers may need of an answer. Cookies and whatever nobody knows stay away. */
const shownHeaders =
  /^(?:content-(?:type|language|disposition|range|location)|date|etag|last-modified|location|link|retry-after|cache-control|expires|age|vary|allow|accept-ranges|accept-patch|www-authenticate|warning|deprecation|sunset|server-timing|(?:x-)?(?:ratelimit|rate-limit)(?:-[a-z-]{1,40})?|(?:x-|x-ms-|x-goog-)?(?:request|correlation|trace)-?id|client-request-id|x-(?:total|total-count|total-pages|page|per-page|next-page|prev-page)|x-ms-[a-z-]{1,40}|odata-version|operation-location|idempotent-replayed)$/

/** Returns an answer as the caller may see it: chosen headers, and the body as text where it is text, both without the secrets. */
export function showAnswer(response: OutgoingResponse, hider: Hider, maxBytes: number): Omit<HttpAnswer, 'duration' | 'attempts'> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    // What the server says of the length is of no use: the body may have been shortened.
    if (shownHeaders.test(name)) headers[name] = hider.hide(Buffer.from(value, 'latin1')).toString('latin1')
  }
  const isCut = response.isCut === true || response.body.byteLength > maxBytes
  const hidden = hider.hide(response.body, maxBytes)
  const text = readText(hidden, isCut)
  return {
    status: response.status,
    headers,
    body: text === null ? { kind: 'base64', content: hidden.toString('base64') } : { kind: 'text', content: text },
    truncated: isCut,
  }
}

/** Returns bytes as text; null when they are none. A character that the limit cut in two is left away. */
function readText(bytes: Buffer, isCut: boolean): string | null {
  for (let missing = 0; missing <= (isCut ? 3 : 0) && missing <= bytes.length; missing++) {
    const whole = bytes.subarray(0, bytes.length - missing)
    if (isUtf8(whole)) return whole.includes(0) ? null : whole.toString('utf8')
  }
  return null
}
