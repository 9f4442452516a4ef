/** Reads Retry-After, in seconds or as a date, as milliseconds; at most a day. @see RFC 9110 section 10.2.3 */
export function readRetryAfter(headers: { retryAfter: string; date: string }, now: number): number | null {
  const text = headers.retryAfter.trim()
  const day = 86_400_000
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1000, day)
  // The server's date is compared with the server's clock, which may differ from ours.
  const at = Date.parse(text)
  if (text === '' || Number.isNaN(at)) return null
  const base = Date.parse(headers.date)
  const wait = at - (Number.isNaN(base) ? now : base)
  return wait > 0 ? Math.min(wait, day) : null
}
