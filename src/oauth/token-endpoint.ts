import type { OutgoingHttp, OutgoingRequest } from '../base/http-types.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'

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
    headers: {
      contentType: response.headers['content-type'] ?? '',
      date: response.headers.date ?? '',
      retryAfter: response.headers['retry-after'] ?? '',
    },
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
  answer: RawAnswer, provider: ResolvedProvider, context: { now: number; requestedScope: string[] },
): TokenOutcome {
  const { status } = answer
  const fields = readFields(answer)
  if (status >= 300 && status < 400) return { kind: 'unusable', reason: `it is a redirect (status ${status}), which is never followed` }
  const error = fields === null ? null : findError(fields)
  if (status === 429 || status >= 500 || error?.error === 'temporarily_unavailable' || error?.error === 'server_error') {
    // A refusal is a refusal, even from a server that answers everything with 500.
    if (error !== null && permanent.has(error.error)) return refusal(error, status)
    return {
      kind: 'unavailable',
      reason: status === 429 ? 'The provider asks for fewer requests (status 429).' : `The provider answers with status ${status}${error ? ` (${error.error})` : ''}.`,
      retryAfter: readRetryAfter(answer.headers, context.now),
    }
  }
  if (fields === null) {
    if (status === 401) return refusal({ error: 'invalid_client', description: 'status 401 without a reason' }, status)
    if (status === 408) return { kind: 'unavailable', reason: 'The provider took too long (status 408).', retryAfter: null }
    return { kind: 'unusable', reason: `status ${status}, ${describeBody(answer)}` }
  }
  const token = find(fields, ['access_token', 'accessToken', ...provider.data.token_answer.access_token])
  const found = typeof token === 'string' && token !== ''
  if (error !== null && !found) return judgeError(error, status, answer, context.now)
  if (status >= 400) return judgeError(error ?? { error: `status ${status}`, description: '' }, status, answer, context.now)
  if (!found) return { kind: 'unusable', reason: token === undefined ? 'it contains no access token' : 'its access token is not a text' }
  if (error !== null) return judgeError(error, status, answer, context.now)
  if (token.length > maxTokenLength) return { kind: 'unusable', reason: 'its access token is too long' }
  // RFC 6750 section 2.1: what a bearer token may consist of; anything else would break the header it is sent in.
  if (!/^[\x21-\x7e]+$/.test(token)) return { kind: 'unusable', reason: 'its access token contains characters that no header can carry' }
  const type = find(fields, ['token_type', 'tokenType'])
  const tokenType = readTokenType(type)
  if (tokenType === null) return { kind: 'unusable', reason: `its token type is ${redactText(String(type), 40)}, not bearer` }
  return { kind: 'granted', tokenSet: readTokenSet(fields, token, tokenType, provider, context.now) }
}

function readTokenSet(fields: Fields, token: string, tokenType: string, provider: ResolvedProvider, now: number): TokenSet {
  const rules = provider.data.token_answer
  const unit = rules.expires_in_unit === 'ms' ? 1 : 1000
  const text = (value: unknown) => (typeof value === 'string' && value !== '' && value.length <= maxTokenLength ? new Secret(value) : null)
  const seconds = readSeconds(find(fields, ['expires_in', 'expiresIn', ...rules.expires_in]))
  const absolute = readAbsolute(find(fields, ['expires_at', 'expiresAt', 'expires_on']))
  const refreshSeconds = readSeconds(find(fields, ['refresh_token_expires_in', 'refresh_expires_in', 'x_refresh_token_expires_in']))
  const expiresAt = seconds !== null && seconds > 0
    ? now + seconds * unit
    : absolute ?? (seconds === null && provider.accessTokenLifetime !== null ? now + provider.accessTokenLifetime : null)
  return {
    accessToken: new Secret(token),
    tokenType,
    refreshToken: text(find(fields, ['refresh_token', 'refreshToken', ...rules.refresh_token])),
    idToken: text(find(fields, ['id_token'])),
    expiresAt,
    refreshTokenExpiresAt: refreshSeconds !== null && refreshSeconds > 0 ? now + refreshSeconds * 1000 : null,
    scope: readScope(find(fields, ['scope', 'scopes', ...rules.scope])),
    extra: Object.fromEntries(rules.keep.map((name) => [name, find(fields, [name])]).filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
  }
}

type Fields = Record<string, unknown>

/** Reads the body as JSON, or as a form if it is one; null when it is neither. */
function readFields(answer: RawAnswer): Fields | null {
  const body = answer.body.replace(/^\ufeff/, '').trim()
  if (body === '') return null
  if (body.startsWith('{')) {
    if (tooDeep(body)) return null
    try {
      const value = JSON.parse(body) as unknown
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
    } catch {
      return null
    }
  }
  if (body.startsWith('<') || !/^[\w.~%+*-]+=[^<>\s]*$/.test(body.split('&')[0] ?? '')) return null
  const form = new URLSearchParams(body)
  if (!form.has('access_token') && !form.has('error')) return null
  // A parameter that comes twice could be read in two ways.
  for (const name of new Set(form.keys())) if (form.getAll(name).length > 1) return null
  return Object.fromEntries(form)
}

function tooDeep(text: string): boolean {
  let depth = 0
  for (const c of text) {
    if (c === '{' || c === '[') depth += 1
    else if (c === '}' || c === ']') depth -= 1
    if (depth > 50) return true
  }
  return false
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
  if (typeof error === 'object' && error !== null) {
    const inner = error as Fields
    const code = [inner.type, inner.code, inner.error, inner.status].find((value) => typeof value === 'string' && value !== '')
    return { error: cleanCode(String(code ?? 'error')), description: description(inner.message ?? inner.error_description ?? inner.description) }
  }
  if (fields.ok === false) return { error: cleanCode(String(fields.error ?? 'error')), description: '' }
  const first = Array.isArray(fields.errors) ? (fields.errors[0] as Fields | undefined) : undefined
  if (first !== undefined && typeof first === 'object') {
    return { error: cleanCode(String(first.errorType ?? first.code ?? first.type ?? 'error')), description: description(first.message ?? first.detail) }
  }
  if (typeof fields.errcode === 'number' && fields.errcode !== 0) return { error: `errcode ${fields.errcode}`, description: description(fields.errmsg) }
  return null
}

const cleanCode = (code: string) => redactText(code, 80).replace(/\s+/g, '_')

const permanent = new Set([
  'invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_scope', 'unsupported_grant_type', 'invalid_target', 'invalid_request', 'access_denied',
])

function judgeError(error: ErrorFields, status: number, answer: RawAnswer, now: number): TokenOutcome {
  switch (error.error) {
    case 'authorization_pending':
      return { kind: 'pending' }
    case 'slow_down':
      return { kind: 'slow_down' }
    case 'expired_token':
    case 'code_expired':
      return { kind: 'expired' }
    case 'temporarily_unavailable':
    case 'server_error':
      return { kind: 'unavailable', reason: `The provider says ${error.error}.`, retryAfter: readRetryAfter(answer.headers, now) }
    default:
      return refusal(error, status)
  }
}

function refusal(error: ErrorFields, status: number): TokenOutcome {
  const code = error.error
  const kind = code === 'invalid_client' || code === 'unauthorized_client' || code === 'incorrect_client_credentials' || code === 'invalid_client_id'
    ? 'client'
    : code === 'invalid_grant' || code === 'bad_refresh_token' || code === 'bad_verification_code' || code === 'interaction_required' || code === 'consent_required'
        || code === 'login_required' || code === 'invalid_refresh_token' || code === 'token_revoked' || code === 'token_expired'
      ? 'consent'
      : code === 'access_denied' ? 'consent' : 'request'
  return { kind: 'refused', error: code, description: error.description, class: kind, status }
}

function readTokenType(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return 'Bearer'
  if (typeof value !== 'string') return null
  const type = value.trim().toLowerCase()
  // Some providers name the kind of token instead of how it is used; only types that want proof of something are refused.
  if (['mac', 'dpop', 'pop', 'hok', 'n_a', 'n/a'].includes(type)) return null
  return type === 'bearer' || /user|access|token|app|bot|oauth|basic/.test(type) ? 'Bearer' : null
}

function readSeconds(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.floor(value) : null
  if (typeof value === 'string' && /^\s*-?\d{1,12}(?:\.\d+)?\s*$/.test(value)) return Math.floor(Number(value))
  return null
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
  const list = Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : typeof value === 'string' ? value.split(/[\s,]+/) : null
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
