import type { DeliveryView } from '../access/key-deliveries.ts'
import type { LinkView } from '../credentials/consent-link.ts'
import { escapeHtml, failureDetails, page, type Failure } from './pages.ts'

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

/** Says what a link hands over. It opens by the button and not by the visit: programs that look at links ahead must not use it up. */
export function deliveryPage(delivery: DeliveryView): string {
  return page(
    'An access key for you',
    '<h1>An access key for you</h1>' +
      `<p>This link shows an access key of Keybearer, once. Open it when you can keep the key at once: in a file on the machine that needs it, or in a password manager.</p>` +
      `<dl><dt>Access key</dt><dd><bdi>${escapeHtml(delivery.name)}</bdi></dd><dt>Made by</dt><dd><bdi>${escapeHtml(delivery.createdBy)}</bdi></dd>` +
      `<dt>Can be opened until</dt><dd>${new Date(delivery.expiresAt).toISOString().slice(0, 16).replace('T', ' ')} UTC</dd></dl>` +
      '<form method="post" action="?as=page"><button>Show the key</button></form>',
  )
}

export function deliveredPage(name: string, key: string): string {
  return page(
    'The access key',
    `<h1>The access key “<bdi>${escapeHtml(name)}</bdi>”</h1><p><code class="key">${escapeHtml(key)}</code></p>` +
      '<p>Keep it where the automation reads it: in a file that only the automation may read, named by <code>KEYBEARER_ACCESS_KEY_FILE</code>. ' +
      'When you leave this page it is gone, and the link shows nothing more.</p>',
  )
}

export function refusedDeliveryPage(failure: Failure): string {
  return page('No key', `<h1>${escapeHtml(failure.title)}</h1><p>${escapeHtml(failure.nextStep)}</p>${failureDetails(failure)}`)
}
