import { isLoopback } from '../base/addresses.ts'
import { Problem } from '../base/problem.ts'

/**
 * Checks an address that a person is sent to: https, or http on loopback, without user name, made of printable ASCII. It is
 * never given to a shell.
 *
 * @throws Problem discovery_failed
 */
export function checkBrowserUrl(text: string): string {
  const refuse = (what: string) => new Problem('discovery_failed', `The provider names an address that a browser must not be sent to: ${what}.`)
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refuse('it is not a URL')
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')))) throw refuse('it is not https')
  if (url.username !== '' || url.password !== '') throw refuse('it contains a user name')
  // What a shell or a terminal could take for more than an address. The parser has encoded quotes and spaces already.
  if (/[\s"'`\\<>^{|}$]/.test(url.href)) throw refuse('it contains characters that no such address needs')
  return url.href
}
