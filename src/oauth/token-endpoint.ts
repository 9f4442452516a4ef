import type { OutgoingHttp, OutgoingRequest } from '../base/http-types.ts'
import { redactText } from '../base/redact.ts'
import { readRetryAfter } from '../base/retry-after.ts'
import { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { textAt, valueAt } from './api-call.ts'
import type { CallbackFacts } from './authorization-code.ts'
import { readJsonObject } from './json-object.ts'

const maxBytes = 256 * 1024
const maxTokenLength = 64 * 1024

/** An answer of a token endpoint as it came, before anybody judged it. It can be written down and judged later. */
export type RawAnswer = {
  status: number
  headers: { contentType: string; date: string; retryAfter: string }
  body: string
  /** What came through the browser before it: it belongs to the answer, and must not be lost either. */
  callback?: CallbackFacts
}

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
  /** Members that the description says to keep, and what came through the browser. */
  extra: Record<string, string>
  /** Whose tokens they are, where the answer itself says it. */
  account: { subject: string | null; username: string | null } | null
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
  const rules = provider.data.token_answer
  const error = fields === null ? null : findError(fields, rules)
  const waiting = error === null ? null : judgeDeviceError(error.error, context.grantType)
  if (waiting !== null) return waiting
  if (status === 429 || status >= 500 || (error !== null && passes(error.error, rules))) {
    // A refusal is a refusal, even from a server that answers everything with 500.
    if (error !== null && permanent.has(error.error)) return refusal(error, answer, rules)
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
    if (status === 401) return refusal({ error: 'invalid_client', description: 'status 401 without a reason' }, answer, rules)
    if (isTooEarly(status)) return tooEarly(answer, context.now)
    return { kind: 'unusable', reason: `status ${status}, ${describeBody(answer)}` }
  }
  const token = find(fields, [...rules.access_token, 'access_token', 'accessToken'])
  const found = typeof token === 'string' && token !== ''
  if (error !== null && !found) return judgeError(error, answer, context.now, rules)
  if (isTooEarly(status)) return tooEarly(answer, context.now)
  if (status >= 400) return judgeError(error ?? { error: `status ${status}`, description: '' }, answer, context.now, rules)
  if (!found) return { kind: 'unusable', reason: token === undefined ? 'it contains no access token' : 'its access token is not a text' }
  // Neither half can be trusted; the answer is kept, so that nothing in it is lost.
  if (error !== null) return { kind: 'unusable', reason: `it contains both a token and the error ${error.error}` }
  if (token.length > maxTokenLength) return { kind: 'unusable', reason: 'its access token is too long' }
  // RFC 6750 section 2.1: what a bearer token may consist of; anything else would break the header it is sent in.
  if (!/^[\x21-\x7e]+$/.test(token)) return { kind: 'unusable', reason: 'its access token contains characters that no header can carry' }
  const type = find(fields, ['token_type', 'tokenType'])
  const tokenType = readTokenType(type, rules.token_types)
  if (tokenType === null)
    return { kind: 'unusable', reason: `its token type is ${typeof type === 'string' ? redactText(type, 40) : `a ${typeof type}`}, not bearer` }
  const refreshToken = find(fields, [...rules.refresh_token, 'refresh_token', 'refreshToken'])
  // A refresh token that is not understood must not be dropped: the one before may be dead by now.
  if (!isAbsent(refreshToken) && (typeof refreshToken !== 'string' || refreshToken.length > maxTokenLength)) {
    return { kind: 'unusable', reason: 'its refresh token is not a text of a usable length' }
  }
  return { kind: 'granted', tokenSet: readTokenSet(fields, token, tokenType, refreshToken, { provider, now: context.now, callback: answer.callback }) }
}

type Around = { provider: ResolvedProvider; now: number; callback: CallbackFacts | undefined }

function readTokenSet(fields: Fields, token: string, tokenType: string, refreshToken: unknown, { provider, now, callback }: Around): TokenSet {
  const rules = provider.data.token_answer
  const unit = rules.expires_in_unit === 'ms' ? 1 : 1000
  const text = (value: unknown) => (typeof value === 'string' && value !== '' && value.length <= maxTokenLength ? new Secret(value) : null)
  const seconds = lifeOf(find(fields, [...rules.expires_in, 'expires_in', 'expiresIn']), unit)
  const absolute = readAbsolute(find(fields, [...rules.expires_at, 'expires_at', 'expiresAt', 'expires_on']))
  const expiresAt =
    seconds !== null && seconds > 0
      ? now + seconds * unit
      : (absolute ?? (seconds === null && provider.accessTokenLifetime !== null ? now + provider.accessTokenLifetime : null))
  return {
    accessToken: new Secret(token),
    tokenType,
    refreshToken: text(provider.data.refresh_request?.sends === 'access_token' ? token : refreshToken),
    idToken: text(find(fields, ['id_token'])),
    expiresAt,
    refreshTokenExpiresAt: readRefreshEnd(
      find(fields, [...rules.refresh_token_expires_in, 'refresh_token_expires_in', 'refresh_expires_in', 'x_refresh_token_expires_in']),
      now,
    ),
    scope: readScope(find(fields, [...rules.scope, 'scope', 'scopes'])) ?? readScope(callback?.scope),
    extra: {
      ...callback?.kept,
      ...(callback?.tokenHost == null ? {} : { token_host: callback.tokenHost }),
      ...Object.fromEntries(rules.keep.map((path) => [path, textAt(fields, path)]).filter((pair): pair is [string, string] => pair[1] !== null)),
    },
    account: readAccountOf(provider, fields, callback),
  }
}

function readAccountOf(provider: ResolvedProvider, fields: Fields, callback: CallbackFacts | undefined): TokenSet['account'] {
  const { source, subject, claims } = provider.data.account
  const said = source === 'token_answer' ? fields : source === 'callback' ? callback?.kept : undefined
  if (said === undefined) return null
  return { subject: textAt(said, subject, 320), username: claims.map((path) => textAt(said, path, 320)).find((name) => name !== null) ?? null }
}

/** No refresh token is given for longer than this; a greater number is a mistake. */
const longestRefresh = 20 * 365 * 86_400_000

/** Seconds from now; some providers give the moment itself under the same name, which no life can be as long as. */
function readRefreshEnd(value: unknown, now: number): number | null {
  const number = readSeconds(value)
  if (number === null || number <= 0) return null
  const end = number > 1e9 ? readAbsolute(number) : now + number * 1000
  return end !== null && end > now && end - now <= longestRefresh ? end : null
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

const find = (fields: Fields, paths: string[]): unknown => paths.map((path) => valueAt(fields, path)).find((value) => value !== undefined)

type ErrorFields = { error: string; description: string }
type Rules = ResolvedProvider['data']['token_answer']

/** What providers write where an error would be when there is none. */
const noError = new Set(['', '0', 'ok', 'success', 'true'])

function findError(fields: Fields, rules: Rules): ErrorFields | null {
  const own = rules.error.map((path) => textAt(fields, path)).find((code) => code !== null && !noError.has(code.toLowerCase()))
  if (own != null) {
    const words = rules.error_description.map((path) => textAt(fields, path)).find((text) => text !== null) ?? ''
    return { error: cleanCode(own), description: redactText(words, 500) }
  }
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

/** Whether an error is one that passes by itself. */
const passes = (code: string, rules: Rules) => code === 'temporarily_unavailable' || code === 'server_error' || rules.errors.retry.includes(code)

function judgeError(error: ErrorFields, answer: RawAnswer, now: number, rules: Rules): TokenOutcome {
  return passes(error.error, rules)
    ? { kind: 'unavailable', reason: `The provider says ${error.error}.`, retryAfter: readRetryAfter(answer.headers, now) }
    : refusal(error, answer, rules)
}

const refusesClient = new Set(['invalid_client', 'unauthorized_client', 'incorrect_client_credentials', 'invalid_client_id'])
const endsConsent = new Set([
  'invalid_grant',
  'bad_refresh_token',
  'bad_verification_code',
  'interaction_required',
  'consent_required',
  'login_required',
  'invalid_refresh_token',
  'token_revoked',
  'token_expired',
  'access_denied',
])

function refusal(error: ErrorFields, answer: RawAnswer, rules: Rules): TokenOutcome {
  const code = error.error
  const kind =
    rules.errors.consent.includes(code) || endsConsent.has(code)
      ? 'consent'
      : rules.errors.client.includes(code) || refusesClient.has(code)
        ? 'client'
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
function readTokenType(value: unknown, further: string[]): string | null {
  if (value === undefined || value === null || value === '') return 'Bearer'
  if (typeof value !== 'string') return null
  const word = value.trim().toLowerCase()
  return bearerTypes.has(word) || further.some((one) => one.toLowerCase() === word) ? 'Bearer' : null
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
    ? value.filter((item): item is string | number => typeof item === 'string' || typeof item === 'number').map(String)
    : typeof value === 'string'
      ? value.split(/[\s,]+/)
      : null
  if (list === null) return null
  const clean = list.filter((item) => item !== '' && item.length <= 500).slice(0, 200)
  return clean.length === 0 ? null : clean
}

function describeBody(answer: RawAnswer): string {
  const body = answer.body.trim()
  if (body === '') return 'it is empty'
  if (body.startsWith('<')) return 'it is a web page, not a token'
  if (body.startsWith('{')) return 'it is not valid JSON, perhaps cut off'
  return 'it is neither JSON nor a form'
}
