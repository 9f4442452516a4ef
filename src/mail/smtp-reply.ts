import { redactText } from '../base/redact.ts'

/** What a mail server said: `250-first`, `250 second` become code 250 and "first second". */
export type SmtpReply = {
  code: number
  /** The enhanced status code, such as `5.7.8`. @see RFC 3463 */
  enhanced: string | null
  text: string
}

/** Reads a reply of one or more lines. */
export function readReply(raw: string): SmtpReply {
  const lines = raw.split(/\r?\n/)
  const first = /^(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3}\b)?/.exec(lines[0] ?? '')
  const enhanced = first?.[2] ?? null
  const text = lines
    .map((line) => line.replace(/^\d{3}[ -]?/, ''))
    .map((line) => (enhanced !== null && line.startsWith(enhanced) ? line.slice(enhanced.length) : line).trim())
    .filter((line) => line !== '')
    .join(' ')
  return { code: first ? Number(first[1]) : 0, enhanced, text }
}

/**
 * Returns a reply as it is shown and kept: one line, bounded, nothing secret in it. Servers repeat what they were sent,
 * and some put tokens into what they say.
 */
export function showReply(reply: SmtpReply): string {
  return redactText([String(reply.code).padStart(3, '0'), reply.enhanced, reply.text].filter((part) => part !== null && part !== '').join(' '), 500)
}

export const isTransient = (reply: SmtpReply): boolean => reply.code >= 400 && reply.code < 500

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 }

/** Returns how many milliseconds the server wants to be left alone, where it says so; null otherwise. */
export function readRetryHint(reply: SmtpReply): number | null {
  if (!isTransient(reply)) return null
  // Greylisting and rate limits: "try again in 300 seconds", "Please retry after 5 minutes", "wait 60s".
  const hint = /\b(?:try|retry|wait|again|delay)\b[^.]{0,60}?\b(\d{1,6})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b/i.exec(reply.text)
  if (!hint) return null
  return Math.min(Number(hint[1]) * units[hint[2]!.charAt(0).toLowerCase()]!, 6 * 3_600_000)
}
