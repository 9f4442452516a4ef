import type { IncomingMessage } from 'node:http'

/** Returns what a cookie holds; null without one, and when two of the name came, since nobody can say which is ours. */
export function readCookie(header: string, name: string): string | null {
  const found = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]!.slice(name.length + 1) : null
}

/** The cookie by which a browser keeps a session. */
export type SessionCookie = {
  /** Returns what it holds. */
  read(request: IncomingMessage): string | null
  /** The Set-Cookie header that keeps a session; it ends with the browser, or when the service ends it. */
  set(token: string): string
  /** The Set-Cookie header that removes it. */
  clear(): string
}

/**
 * Makes the cookie for an address. On https the name begins with `__Host-`, so that no other host of the domain can set it.
 * It is `Lax`, since the person comes back from a provider by a link, and no script can read it.
 *
 * @see RFC 6265bis section 4.1.3.2 https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
 */
export function createSessionCookie(publicUrl: string): SessionCookie {
  const secure = publicUrl.startsWith('https://')
  const name = secure ? '__Host-keybearer_session' : 'keybearer_session'
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    read(request) {
      return readCookie(request.headers.cookie ?? '', name)
    },
    set: (token) => `${name}=${token}; ${attributes}`,
    clear: () => `${name}=; ${attributes}; Max-Age=0`,
  }
}
