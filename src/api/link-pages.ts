import type { LinkView } from '../credentials/consent-link.ts'
import { escapeHtml, page } from './pages.ts'

/** What somebody who was sent a link is asked for, with the one button that begins it. */
export function connectPage(link: LinkView): string {
  const [who, provider] = [escapeHtml(link.startedBy), escapeHtml(link.provider)]
  const purposes = link.purposes.map(({ title, meaning }) => `<li>${escapeHtml(title)}: ${escapeHtml(meaning)}</li>`).join('')
  const scopes = link.scopes.length === 0 ? 'no more than the provider gives by itself' : `<code>${link.scopes.map(escapeHtml).join(' ')}</code>`
  return page(
    'Connect an account',
    `<h1>Connect an account at ${provider}</h1>` +
      `<p><b><bdi>${who}</bdi></b> asks you to let automations use an account of yours. You sign in at ${provider}; Keybearer never sees your password.</p>` +
      `<dl><dt>Asked by</dt><dd><bdi>${who}</bdi></dd><dt>For the credential</dt><dd><bdi>${escapeHtml(link.credential)}</bdi></dd>` +
      `<dt>Where you sign in</dt><dd>${provider}: <code>${escapeHtml(link.host)}</code></dd>` +
      (link.account === null ? '' : `<dt>Account that must sign in</dt><dd><bdi>${escapeHtml(link.account)}</bdi></dd>`) +
      (purposes === '' ? '' : `<dt>What it allows</dt><dd><ul>${purposes}</ul></dd>`) +
      `<dt>Scopes asked for</dt><dd>${scopes}</dd></dl>` +
      `<form method="post"><button>Go on to ${provider}</button></form>` +
      '<p>The link works once. If you do not know who asks, or did not expect it, close this page: nothing has happened.</p>',
  )
}

/** Goes on by itself: a redirect in answer to a form would be held to the addresses that forms of this page may go to. */
export function leavingPage(provider: string, url: string): string {
  const [name, address] = [escapeHtml(provider), escapeHtml(url)]
  return page(
    'Going on',
    `<h1>Going on to ${name} …</h1><p><a href="${address}">Go on to ${name}</a></p>`,
    `<meta http-equiv="refresh" content="0;url=${address}">`,
  )
}
