import { isId, type IdKind } from './ids.ts'
import { problemCodes } from './problem-codes.ts'
import { liveSecrets, Secret } from './secret.ts'
import { Sealed } from './sealed.ts'

const idKinds: IdKind[] = ['cred', 'reg', 'prov', 'key', 'con', 'snd', 'msg', 'job', 'att', 'node', 'req', 'lease', 'per', 'ses', 'whk', 'ntc']
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Names of fields, headers and parameters whose values are never shown. */
const secretName =
  /^(?:.*[_-])?(?:authorization|cookie|set-cookie|token|secret|password|passphrase|passwd|assertion|verifier|private[_-]?key|api[_-]?key|access[_-]?key|sasl|jwt|device_code|user_code)$|^(?:accessToken|refreshToken|idToken|clientSecret|privateKey|apiKey|accessKey|codeVerifier|deviceCode|code|state|nonce|key|body|assertion|raw|answer|wrapped)$/i

const cut = '[secret]'

/**
 * Returns a text without anything that is or looks like a secret, on one line, at most `max` characters long.
 *
 * It knows the secrets that are in memory, the usual forms (bearer tokens, access keys, JWTs, PEM blocks, SASL strings, named
 * parameters), and takes any long run of opaque characters for one: a log is better off without it.
 */
export function redactText(text: string, max = 2000): string {
  // Cut first: no pattern runs over more than it must.
  let clean = text.length > max * 4 ? text.slice(0, max * 4) : text
  for (const secret of liveSecrets()) {
    // Most texts are shorter than most secrets, and the encoded forms are never shorter than the plain one.
    if (secret.length < 6 || secret.length > clean.length) continue
    clean = replaceAll(clean, secret)
    if (!/[^\w.-]/.test(secret)) continue
    const encoded = encodeURIComponent(secret)
    if (encoded !== secret) clean = replaceAll(clean, encoded)
    const form = new URLSearchParams({ a: secret }).toString().slice(2)
    if (form !== encoded) clean = replaceAll(clean, form)
    const json = JSON.stringify(secret).slice(1, -1)
    if (json !== secret) clean = replaceAll(clean, json)
  }
  clean = clean
    .replace(/-----BEGIN [A-Z ]{1,40}-----[\s\S]{0,20000}?(?:-----END [A-Z ]{1,40}-----|$)/g, cut)
    .replace(/\b(Bearer|Basic|DPoP)\s+[^\s"',;\\]{4,}/gi, `$1 ${cut}`)
    .replace(/\bkb_[0-9A-Za-z]{4,}/g, cut)
    .replace(/\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, cut)
    .replace(
      /(["']?)((?:[a-z]{1,20}[_-]){0,3}(?:token|secret|password|passphrase|assertion|code|state|code_verifier|verifier|nonce|api_key|private_key|device_code|authorization))\1(\s*[=:]\s*)(["']?)(?!\[secret\])[^\s"'&,;}{]{3,}/gi,
      `$1$2$1$3$4${cut}`,
    )
    .replace(/[A-Za-z0-9+/_~.-]{24,}={0,2}/g, (run) =>
      isHarmless(run) ? run : run.replace(/[A-Za-z0-9+/_-]{20,}={0,2}/g, (part) => (isHarmless(part) ? part : cut)),
    )
  clean = escapeControls(clean)
  return clean.length > max ? `${clean.slice(0, max)}…` : clean
}

function replaceAll(text: string, secret: string): string {
  return text.includes(secret) ? text.replaceAll(secret, cut) : text
}

/** Names that servers put together of words, such as `SmtpClientAuthentication`. No digit, and no word of a letter or two. */
const wordsInOne = /^(?:[A-Z][a-z]{2,15}|As|To|Of|In|On|By|Is){2,6}$/

/** Ids of ours, UUIDs, words, host names and paths are no secrets. */
function isHarmless(run: string): boolean {
  if (uuid.test(run) || idKinds.some((kind) => isId(kind, run))) return true
  // A secret mixes digits and cases in a way that words, host names and paths do not. Random base64url text with many
  // separators must not pass for words: every part has to look like one.
  const parts = run.split(/[/._~+-]+/)
  return parts.every(
    (part) =>
      (part.length <= 60 && wordsInOne.test(part)) ||
      (part.length < 20 && /^[A-Za-z]?[a-z]*\d{0,4}$|^[A-Z]+\d{0,4}$|^\d{1,13}$|^[a-z]+(?:[A-Z][a-z]{2,})+$/.test(part)),
  )
}

/** Makes control characters, terminal escapes and characters that reorder text visible, so that no line can be forged. */
export function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => {
    if (c === '\n') return '\\n'
    if (c === '\r') return '\\r'
    if (c === '\t') return ' '
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Returns a copy of any value that may be logged: plain data, secrets removed, depth and length bounded. */
export function redact(value: unknown, depth = 0, seen: Set<object> = new Set()): unknown {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'symbol' || typeof value === 'function') return `[${typeof value}]`
  if (value instanceof Secret) return cut
  if (value instanceof Sealed) return '[sealed]'
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (seen.has(value)) return '[circular]'
  if (depth > 6) return '[deep]'
  seen.add(value)
  try {
    return redactObject(value, depth + 1, seen)
  } finally {
    seen.delete(value)
  }
}

function redactObject(value: object, depth: number, seen: Set<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString()
  if (value instanceof URL || value instanceof URLSearchParams) return redactText(value instanceof URL ? `${value.origin}${value.pathname}` : '[parameters]')
  if (value instanceof Error) return redactError(value, depth, seen)
  if (value instanceof Map || value instanceof Headers) {
    return Object.fromEntries([...(value as Map<unknown, unknown>).entries()].slice(0, 50).map(([key, item]) => redactEntry(String(key), item, depth, seen)))
  }
  if (value instanceof Set) return [...value].slice(0, 50).map((item) => redact(item, depth, seen))
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth, seen))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 100)
      .map(([key, item]) => redactEntry(key, item, depth, seen)),
  )
}

function redactEntry(key: string, item: unknown, depth: number, seen: Set<object>): [string, unknown] {
  const shown = redactText(key, 100)
  // `code` is an authorization code, or the code of a problem, which the log is read for.
  if (key === 'code' && typeof item === 'string' && Object.hasOwn(problemCodes, item)) return [shown, item]
  if (secretName.test(key) && item !== null && typeof item !== 'boolean' && typeof item !== 'number') return [shown, cut]
  return [shown, redact(item, depth, seen)]
}

function redactError(error: Error, depth: number, seen: Set<object>): Record<string, unknown> {
  const { code, errcode, syscall } = error as { code?: unknown; errcode?: unknown; syscall?: unknown }
  return {
    name: redactText(error.name, 100),
    message: redactText(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: redact(code, depth, seen) } : {}),
    ...(typeof errcode === 'number' ? { errcode } : {}),
    ...(typeof syscall === 'string' ? { syscall: redactText(syscall, 50) } : {}),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth, seen) }),
    ...(error instanceof AggregateError ? { errors: error.errors.slice(0, 10).map((item) => redact(item, depth, seen)) } : {}),
    ...(depth <= 1 && error.stack !== undefined
      ? {
          stack: redactText(
            error.stack
              .split('\n')
              .slice(1, 12)
              .map((line) => line.trim())
              .join(' | '),
            3000,
          ),
        }
      : {}),
  }
}
