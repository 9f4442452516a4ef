import { Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { checkBrowserUrl } from './urls.ts'
import type { RawAnswer } from './token-endpoint.ts'

export type DeviceAuthorization = {
  deviceCode: Secret
  userCode: string
  verificationUri: string
  verificationUriComplete: string | null
  expiresAt: number
  /** Milliseconds between two polls. */
  interval: number
}

export function deviceParameters(provider: ResolvedProvider, scope: string[]): Record<string, string> {
  return { ...provider.data.parameters.device, ...(scope.length > 0 ? { scope: scope.join(provider.data.scope_separator) } : {}) }
}

/**
 * Reads what the device authorization endpoint said: the code to show, the address to open, how often to ask.
 *
 * @throws Problem provider_unavailable, consent_failed
 * @see RFC 8628 section 3.2
 */
export function readDeviceAuthorization(answer: RawAnswer, provider: ResolvedProvider, now: number): DeviceAuthorization {
  if (answer.status === 429 || answer.status >= 500) {
    throw new Problem('provider_unavailable', `${provider.name} answers with status ${answer.status}.`, { retryAfter: 30 })
  }
  const fields = readObject(answer.body)
  if (typeof fields.error === 'string' || answer.status >= 400) {
    const words = redactText([fields.error, fields.error_description].filter((part) => typeof part === 'string').join(': ') || `status ${answer.status}`, 400)
    throw new Problem('consent_failed', `${provider.name} refused the device code: ${words}`)
  }
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' && value.length < 4096 ? value : null)
  const deviceCode = text(fields.device_code)
  const userCode = text(fields.user_code)
  const uri = text(fields.verification_uri) ?? text(fields.verification_url)
  if (deviceCode === null || userCode === null || uri === null) throw new Problem('consent_failed', `${provider.name} sent no device code that can be used.`)
  if (!/^[\x20-\x7e]{1,64}$/.test(userCode)) throw new Problem('consent_failed', `${provider.name} sent a code that nobody could type.`)
  const complete = text(fields.verification_uri_complete)
  const seconds = (value: unknown, fallback: number, most: number) => {
    const number = Number(value)
    return Number.isFinite(number) && number > 0 ? Math.min(number, most) : fallback
  }
  return {
    deviceCode: new Secret(deviceCode),
    userCode,
    verificationUri: checkBrowserUrl(uri),
    verificationUriComplete: complete === null ? null : checkBrowserUrl(complete),
    expiresAt: now + seconds(fields.expires_in ?? fields.expire_in, 900, 3600) * 1000,
    // RFC 8628 section 3.5: five seconds where the answer does not say.
    interval: seconds(fields.interval, 5, 300) * 1000,
  }
}

/** Returns the interval after `slow_down`: five seconds more, for good. @see RFC 8628 section 3.5 */
export const slower = (interval: number): number => interval + 5000

function readObject(body: string): Record<string, unknown> {
  try {
    const value = JSON.parse(body) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
