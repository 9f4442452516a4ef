import { createHash } from 'node:crypto'
import type { Problem } from '../base/problem.ts'

const style =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem;color:#1b1f24;background:#fff}' +
  'h1{font-size:1.6rem;line-height:1.25}code{font:.95em ui-monospace,monospace;overflow-wrap:anywhere}dt{font-weight:600;margin-top:.6rem}dd{margin:0;overflow-wrap:anywhere}' +
  '.key{user-select:all;font-size:1.15rem}li{overflow-wrap:anywhere}button{font:inherit;padding:.6rem 1.4rem;margin:1rem 0;border:0;border-radius:.4rem;color:#fff;background:#0b5c4a;cursor:pointer}' +
  'button:focus-visible,a:focus-visible{outline:3px solid #7a5cff;outline-offset:2px}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#15181c}a{color:#8ab4ff}button{color:#06241d;background:#6fd3b8}}'

const policy = (forms: "'none'" | "'self'") =>
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action ${forms}; frame-ancestors 'none'`

/** Headers of every page: nothing foreign is loaded, nothing is kept, nobody frames it, no address leaks out of it. */
export const pageHeaders: Record<string, string> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy("'none'"),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/**
 * Headers of a page with a button. Its address goes to this host only: with no referrer at all a browser would also hide where
 * the button's request comes from, and it would be refused like one of another site.
 */
export const formHeaders: Record<string, string> = { ...pageHeaders, 'content-security-policy': policy("'self'"), 'referrer-policy': 'same-origin' }

/** Makes a text harmless in HTML, in elements and in attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`)

export function page(title: string, content: string, head = ''): string {
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<meta name="robots" content="noindex">${head}<title>${escapeHtml(title)}</title><style>${style}</style></head><body><main>${content}</main></body></html>\n`
  )
}

export function homePage(version: string): string {
  return page(
    'Keybearer',
    '<h1>Keybearer</h1><p>This service keeps OAuth 2.0 credentials for unattended automation: an account is connected once, ' +
      'and every script, job and mailer works with it.</p><dl><dt>API</dt><dd><code>/v1</code>, described in <a href="/openapi.json">/openapi.json</a></dd>' +
      '<dt>Command line</dt><dd><code>keybearer status</code></dd><dt>Guides</dt><dd>in the folder <code>docs/guide</code> of the program</dd>' +
      `<dt>Version</dt><dd>${escapeHtml(version)}</dd></dl>`,
  )
}

/** How a consent ended, as the person in front of the browser is told. */
export type ConsentEnd = (
  | { ok: true; credential: string; missing: string }
  | ({ ok: false; /** In our words. */ meaning?: string; fix?: string[] } & Failure)
) & { /** Id of the credential, for who came from its page. */ back?: string }

/** Why something did not work, in our words; only the detail may hold words of others. */
export type Failure = { code: string; title: string; detail: string; nextStep: string; requestId: string }

/** The sentences are ours; what a provider said stands among the details, escaped and cut. */
export function consentPage(end: ConsentEnd): string {
  // Invariant: the one link is a path of this service, made of a stored id: nothing of the request stands in it.
  const back = end.back === undefined ? '' : `<p><a href="/credentials/${encodeURIComponent(end.back)}">Back to the credential</a></p>`
  if (end.ok) {
    const heading = `<h1>“${escapeHtml(end.credential)}” is connected</h1>`
    if (end.missing === '') return page('Connected', `${heading}<p>Whatever uses this credential works from now on. You may close this page.</p>${back}`)
    return page(
      'Connected in part',
      `${heading}<p>Not everything that was asked for was granted: what needs the rest will fail. Allow it at the provider and connect again.</p>` +
        `<dl><dt>Not granted</dt><dd><code>${escapeHtml(end.missing)}</code></dd></dl>${back}`,
    )
  }
  return page(
    'Not connected',
    `<h1>The account was not connected</h1><p>${escapeHtml(end.title)}. ${escapeHtml(end.nextStep)}</p>` +
      (end.meaning === undefined ? '' : `<p>${escapeHtml(end.meaning)}</p>`) +
      (end.fix === undefined ? '' : `<ol>${end.fix.map((step) => `<li>${escapeHtml(step)}</li>`).join('')}</ol>`) +
      back +
      failureDetails(end),
  )
}

export const failureDetails = ({ detail, code, requestId }: Failure): string =>
  `<dl><dt>Details</dt><dd>${escapeHtml(detail.slice(0, 500))}</dd><dt>Code</dt><dd><code>${escapeHtml(code)}</code></dd>` +
  `<dt>Request</dt><dd><code>${escapeHtml(requestId)}</code></dd></dl>`

/** What somebody is told whom the OpenID provider sent back in vain. */
export function signInFailedPage({ code, title, message, nextStep }: Pick<Problem, 'code' | 'title' | 'message' | 'nextStep'>, requestId: string): string {
  return page(
    'Not signed in',
    `<h1>You are not signed in</h1><p>${escapeHtml(title)}. ${escapeHtml(message)} ${escapeHtml(nextStep)}</p><p><a href="/">To the sign-in page</a></p>` +
      `<dl><dt>Code</dt><dd><code>${escapeHtml(code)}</code></dd><dt>Request</dt><dd><code>${escapeHtml(requestId)}</code></dd></dl>`,
  )
}

export function oldPage(): string {
  return page('No longer shown', '<h1>This page is no longer shown</h1><p>See how the credential is with <code>keybearer list</code>.</p>')
}
