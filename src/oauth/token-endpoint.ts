import type { OutgoingHttp, OutgoingRequest } from '../base/http-types.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { readJsonObject } from './json-object.ts'

const maxBytes = 256 * 1024
const maxTokenLength = 64 * 1024

/** An answer of a token endpoint as it came, before anybody judged it. It can be written down and judged later. */
export type RawAnswer = { status: number; headers: { contentType: string; date: string; retryAfter: string }; body: string }

export type TokenSet = {
  accessToken: Secret
  tokenType: string
  refreshToken: Secret | null
  idToken: Secret | null
  /** Milliseconds since 1970, counted from the moment before the request was sent; null: the provider did not say. */
  expiresAt: number | null
  refreshTokenExpiresAt: number | null
  /** null: the provider named none. */
  scope: string[] | null
  extra: Record<string, string>
}

export type TokenOutcome =
  | { kind: 'granted'; tokenSet: TokenSet }
  | {
      kind: 'refused'
      error: string
      description: string
      /** consent: a person must act; client: the registration is wrong; request: something else we sent is. */
      class: 'consent' | 'client' | 'request'
      status: number
      /** The answer in one line, cleaned and cut. */
      text: string
    }
  | { kind: 'pending' }
  | { kind: 'slow_down' }
  | { kind: 'denied' }
  | { kind: 'expired' }
  | { kind: 'unavailable'; reason: string; /** milliseconds */ retryAfter: number | null }
  | { kind: 'unusable'; reason: string }

/** Sends a token request and returns whatever came. @throws Problem outgoing_failed, address_not_allowed */
export async function sendTokenRequest(http: OutgoingHttp, request: OutgoingRequest): Promise<RawAnswer> {
  const response = await http({ ...request, maxBytes })
  return {
    status: response.status,
    headers: { contentType: response.headers['content-type'] ?? '', date: response.headers.date ?? '', retryAfter: response.headers['retry-after'] ?? '' },
    body: Buffer.from(response.body).toString('utf8'),
  }
}

export const serializeAnswer = (answer: RawAnswer): string => JSON.stringify(answer)
export const parseAnswer = (text: string): RawAnswer => JSON.parse(text) as RawAnswer

/**
 * Decides what an answer means. It never throws, and says `granted` only when there is an access token that can be used.
 *
 * Lenient in form, because real providers are: a form-encoded body, a missing or odd `token_type`, `expires_in` as a text
 * or null, scopes as a list, status 201. Strict in substance: a refusal in a 200 is a refusal, and an unknown token type is
 * no bearer token.
 *
 * @param context.now the moment before the request was sent, so that a slow answer makes no token live longer
 * @see RFC 6749 section 5 https://www.rfc-editor.org/rfc/rfc6749.html#section-5
 */
export function judgeTokenAnswer(
  answer: RawAnswer,
  provider: ResolvedProvider,
  context: { now: number; requestedScope: string[]; grantType?: string },
): TokenOutcome {
  const { status } = answer
  if (status >= 300 && status < 400) return { kind: 'unusable', reason: `it is a redirect (status ${status}), which is never followed` }
  if (status < 200) return { kind: 'unusable', reason: `its status is ${status}` }
  if (answer.body.length > maxBytes) return { kind: 'unusable', reason: 'it is too large' }
  const fields = readFields(answer)
  const error = fields === null ? null : findError(fields)
  const waiting = error === null ? null : judgeDeviceError(error.error, context.grantType)
  if (waiting !== null) return waiting
  if (status === 429 || status >= 500 || error?.error === 'temporarily_unavailable' || error?.error === 'server_error') {
    // A refusal is a refusal, even from a server that answers everything with 500.
    if (error !== null && permanent.has(error.error)) return refusal(error, answer)
    return {
      kind: 'unavailable',
      reason:
        status === 429
          ? 'The provider asks for fewer requests (status 429).'
          : `The provider answers with status ${status}${error ? ` (${error.error})` : ''}.`,
      retryAfter: readRetryAfter(answer.headers, context.now),
    }
  }
  if (fields === null) {
    if (status === 401) return refusal({ error: 'invalid_client', description: 'status 401 without a reason' }, answer)
    if (isTooEarly(status)) return tooEarly(answer, context.now)
    return { kind: 'unusable', reason: `status ${status}, ${describeBody(answer)}` }
  }
  const token = find(fields, ['access_token', 'accessToken', ...provider.data.token_answer.access_token])
  const found = typeof token === 'string' && token !== ''
  if (error !== null && !found) return judgeError(error, answer, context.now)
  if (isTooEarly(status)) return tooEarly(answer, context.now)
  if (status >= 400) return judgeError(error ?? { error: `status ${status}`, description: '' }, answer, context.now)
  if (!found) return { kind: 'unusable', reason: token === undefined ? 'it contains no access token' : 'its access token is not a text' }
  // Neither half can be trusted; the answer is kept, so that nothing in it is lost.
  if (error !== null) return { kind: 'unusable', reason: `it contains both a token and the error ${error.error}` }
  if (token.length > maxTokenLength) return { kind: 'unusable', reason: 'its access token is too long' }
  // RFC 6750 section 2.1: what a bearer token may consist of; anything else would break the header it is sent in.
  if (!/^[\x21-\x7e]+$/.test(token)) return { kind: 'unusable', reason: 'its access token contains characters that no header can carry' }
  const type = find(fields, ['token_type', 'tokenType'])
  const tokenType = readTokenType(type)
  if (tokenType === null)
    return { kind: 'unusable', reason: `its token type is ${typeof type === 'string' ? redactText(type, 40) : `a ${typeof type}`}, not bearer` }
  const refreshToken = find(fields, ['refresh_token', 'refreshToken', ...provider.data.token_answer.refresh_token])
  // A refresh token that is not understood must not be dropped: the one before may be dead by now.
  if (!isAbsent(refreshToken) && (typeof refreshToken !== 'string' || refreshToken.length > maxTokenLength)) {
    return { kind: 'unusable', reason: 'its refresh token is not a text of a usable length' }
  }
  return { kind: 'granted', tokenSet: readTokenSet(fields, token, tokenType, refreshToken, provider, context.now) }
}

function readTokenSet(fields: Fields, token: string, tokenType: string, refreshToken: unknown, provider: ResolvedProvider, now: number): TokenSet {
  const rules = provider.data.token_answer
  const unit = rules.expires_in_unit === 'ms' ? 1 : 1000
  const text = (value: unknown) => (typeof value === 'string' && value !== '' && value.length <= maxTokenLength ? new Secret(value) : null)
  const seconds = lifeOf(find(fields, ['expires_in', 'expiresIn', ...rules.expires_in]), unit)
  const absolute = readAbsolute(find(fields, ['expires_at', 'expiresAt', 'expires_on']))
  const refreshSeconds = lifeOf(find(fields, ['refresh_token_expires_in', 'refresh_expires_in', 'x_refresh_token_expires_in']), 1000)
  const expiresAt =
    seconds !== null && seconds > 0
      ? now + seconds * unit
      : (absolute ?? (seconds === null && provider.accessTokenLifetime !== null ? now + provider.accessTokenLifetime : null))
  return {
    accessToken: new Secret(token),
    tokenType,
    refreshToken: text(refreshToken),
    idToken: text(find(fields, ['id_token'])),
    expiresAt,
    refreshTokenExpiresAt: refreshSeconds !== null && refreshSeconds > 0 ? now + refreshSeconds * 1000 : null,
    scope: readScope(find(fields, ['scope', 'scopes', ...rules.scope])),
    extra: Object.fromEntries(rules.keep.map((name) => [name, find(fields, [name])]).filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
  }
}

type Fields = Record<string, unknown>

/** Values that real providers send for "there is none". */
const isAbsent = (value: unknown) => value === undefined || value === null || value === false || value === ''

const isTooEarly = (status: number) => status === 408 || status === 425

const tooEarly = (answer: RawAnswer, now: number): TokenOutcome => ({
  kind: 'unavailable',
  reason: `The provider was too slow or too busy (status ${answer.status}).`,
  retryAfter: readRetryAfter(answer.headers, now),
})

/** Reads the body as JSON, or as a form if it is one; null when it is neither. */
function readFields(answer: RawAnswer): Fields | null {
  const body = answer.body.replace(/^\ufeff/, '').trim()
  if (body === '') return null
  if (body.startsWith('{')) return readJsonObject(body)
  if (body.startsWith('<') || !/^[\w.~%+*-]+=[^<>\s]*$/.test(body.split('&')[0] ?? '')) return null
  const form = new URLSearchParams(body)
  if (!form.has('access_token') && !form.has('error')) return null
  // A parameter that comes twice could be read in two ways.
  for (const name of new Set(form.keys())) if (form.getAll(name).length > 1) return null
  return Object.fromEntries(form)
}

function find(fields: Fields, paths: string[]): unknown {
  for (const path of paths) {
    let value: unknown = fields
    for (const part of path.split('.')) {
      value = typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? (value as Fields)[part] : undefined
    }
    if (value !== undefined) return value
  }
  return undefined
}

type ErrorFields = { error: string; description: string }

function findError(fields: Fields): ErrorFields | null {
  const { error } = fields
  const description = (value: unknown) => (typeof value === 'string' ? redactText(value, 500) : '')
  if (typeof error === 'string' && error !== '') {
    return { error: cleanCode(error), description: description(fields.error_description ?? fields.message ?? fields.error_message) }
  }
  if (typeof error === 'object' && error !== null && Object.keys(error).length > 0) {
    const inner = error as Fields
    return {
      error: codeOf(inner.type, inner.code, inner.error, inner.status),
      description: description(inner.message ?? inner.error_description ?? inner.description),
    }
  }
  if (fields.ok === false) return { error: 'error', description: '' }
  const first = Array.isArray(fields.errors) ? (fields.errors[0] as unknown) : undefined
  if (typeof first === 'object' && first !== null) {
    const inner = first as Fields
    return { error: codeOf(inner.errorType, inner.code, inner.type), description: description(inner.message ?? inner.detail) }
  }
  if (typeof fields.errcode === 'number' && fields.errcode !== 0) return { error: `errcode ${fields.errcode}`, description: description(fields.errmsg) }
  return null
}

/** Returns the first of these that can be a code. JSON can hold objects that no text can be made of. */
function codeOf(...candidates: unknown[]): string {
  const code = candidates.find((value) => (typeof value === 'string' && value !== '') || typeof value === 'number')
  return cleanCode(String(code ?? 'error'))
}

const cleanCode = (code: string) => redactText(code, 80).replace(/\s+/g, '_')

const permanent = new Set([
  'invalid_grant',
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_grant_type',
  'invalid_target',
  'invalid_request',
  'access_denied',
])

/** Returns what an error means that only the device grant knows; null for all others. @see RFC 8628 section 3.5 */
function judgeDeviceError(code: string, grantType: string | undefined): TokenOutcome | null {
  switch (code) {
    case 'authorization_pending':
      return { kind: 'pending' }
    case 'slow_down':
      return { kind: 'slow_down' }
    case 'expired_token':
    case 'code_expired':
      return { kind: 'expired' }
    case 'access_denied':
    case 'authorization_declined':
      return grantType === 'device_code' ? { kind: 'denied' } : null
    default:
      return null
  }
}

function judgeError(error: ErrorFields, answer: RawAnswer, now: number): TokenOutcome {
  switch (error.error) {
    case 'temporarily_unavailable':
    case 'server_error':
      return { kind: 'unavailable', reason: `The provider says ${error.error}.`, retryAfter: readRetryAfter(answer.headers, now) }
    default:
      return refusal(error, answer)
  }
}

function refusal(error: ErrorFields, answer: RawAnswer): TokenOutcome {
  const code = error.error
  const kind =
    code === 'invalid_client' || code === 'unauthorized_client' || code === 'incorrect_client_credentials' || code === 'invalid_client_id'
      ? 'client'
      : code === 'invalid_grant' ||
          code === 'bad_refresh_token' ||
          code === 'bad_verification_code' ||
          code === 'interaction_required' ||
          code === 'consent_required' ||
          code === 'login_required' ||
          code === 'invalid_refresh_token' ||
          code === 'token_revoked' ||
          code === 'token_expired'
        ? 'consent'
        : code === 'access_denied'
          ? 'consent'
          : 'request'
  return {
    kind: 'refused',
    error: code,
    description: error.description,
    class: kind,
    status: answer.status,
    text: `HTTP ${answer.status} ${redactText(answer.body, 2000)}`,
  }
}

/** Some providers name the kind of token instead of how it is used, such as eBay and Slack. */
const bearerTypes = new Set(['bearer', 'bearertoken', 'user access token', 'application access token', 'user', 'bot', 'app'])

/** Returns `Bearer`, or null for a type that wants more than that, such as proof of a key. @see RFC 6749 section 7.1 */
function readTokenType(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return 'Bearer'
  return typeof value === 'string' && bearerTypes.has(value.trim().toLowerCase()) ? 'Bearer' : null
}

/** No token lives longer than a hundred years; a greater number is a mistake, and no database column would hold it. */
const longestLife = 3_155_760_000

function readSeconds(value: unknown): number | null {
  const number = typeof value === 'string' && /^\s*-?\d{1,15}(?:\.\d+)?\s*$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Math.abs(number) <= longestLife * 2000 ? Math.floor(number) : null
}

/** Returns a duration in units of so many milliseconds; null when it says nothing that could be true. */
function lifeOf(value: unknown, unit: number): number | null {
  const number = readSeconds(value)
  return number === null || number * unit > longestLife * 1000 ? null : number
}

function readAbsolute(value: unknown): number | null {
  const number = readSeconds(value)
  if (number !== null) return number > 1e12 ? number : number > 1e9 ? number * 1000 : null
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value)) {
    const time = Date.parse(value)
    return Number.isNaN(time) ? null : time
  }
  return null
}

function readScope(value: unknown): string[] | null {
  const list = Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : typeof value === 'string'
      ? value.split(/[\s,]+/)
      : null
  if (list === null) return null
  const clean = list.filter((item) => item !== '' && item.length <= 500).slice(0, 200)
  return clean.length === 0 ? null : clean
}

/** Reads Retry-After, in seconds or as a date; at most a day. @see RFC 9110 section 10.2.3 */
export function readRetryAfter(headers: RawAnswer['headers'], now: number): number | null {
  const text = headers.retryAfter.trim()
  const day = 86_400_000
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1000, day)
  // The provider's date is compared with the provider's clock, which may differ from ours.
  const at = Date.parse(text)
  if (text === '' || Number.isNaN(at)) return null
  const base = Date.parse(headers.date)
  const wait = at - (Number.isNaN(base) ? now : base)
  return wait > 0 ? Math.min(wait, day) : null
}

/** Returns by how much our clock is ahead of the provider's, in milliseconds; null when it does not tell. */
export function clockSkew(answer: RawAnswer, now: number): number | null {
  const theirs = Date.parse(answer.headers.date)
  return Number.isNaN(theirs) ? null : now - theirs
}

function describeBody(answer: RawAnswer): string {
  const body = answer.body.trim()
  if (body === '') return 'it is empty'
  if (body.startsWith('<')) return 'it is a web page, not a token'
  if (body.startsWith('{')) return 'it is not valid JSON, perhaps cut off'
  return 'it is neither JSON nor a form'
}
