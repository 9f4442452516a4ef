import { readCookie } from './session-cookie.ts'

/** The cookies by which browsers prove that they began a consent: each consent has one of its own, so that none disturbs another. */
export type ConsentCookie = {
  read(cookies: string | null, consentId: string): string | null
  /** The Set-Cookie header that keeps the proof for as long as the consent may take. */
  set(consentId: string, proof: string, seconds: number): string
}

/**
 * Makes the cookies for an address. They are `Lax`: the browser comes back by a link of another site, and with `Strict` it would
 * come without them.
 */
export function createConsentCookie(publicUrl: string): ConsentCookie {
  const secure = publicUrl.startsWith('https://')
  const name = (consentId: string) => `${secure ? '__Host-' : ''}keybearer_${consentId}`
  return {
    read: (cookies, consentId) => readCookie(cookies ?? '', name(consentId)),
    set: (consentId, proof, seconds) => `${name(consentId)}=${proof}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure ? '; Secure' : ''}`,
  }
}
