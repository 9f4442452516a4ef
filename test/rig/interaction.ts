import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'

/** Shows the sign-in and consent pages of the test and demo provider. They load nothing from anywhere. */
export async function handleInteraction(
  provider: Provider,
  people: Record<string, string>,
  title: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response)
  const back = `/interaction/${details.uid}`
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    response.end(details.prompt.name === 'login' ? loginPage(title, back, Object.keys(people)[0] ?? '') : consentPage(title, back, details.params))
    return
  }
  const form = await readForm(request)
  if (form.has('cancel')) {
    await provider.interactionFinished(
      request,
      response,
      { error: 'access_denied', error_description: 'The person said no.' },
      { mergeWithLastSubmission: false },
    )
    return
  }
  if (details.prompt.name === 'login') {
    const name = form.get('login') ?? ''
    if (people[name] === undefined) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(loginPage(title, back, '', `There is nobody called "${escape(name)}" here.`))
      return
    }
    await provider.interactionFinished(request, response, { login: { accountId: name } }, { mergeWithLastSubmission: false })
    return
  }
  const known = details.grantId === undefined ? undefined : await provider.Grant.find(details.grantId)
  const grant = known ?? new provider.Grant({ accountId: details.session?.accountId ?? '', clientId: details.params.client_id ?? '' })
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = details.prompt.details
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
  for (const [resource, list] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(resource, list.join(' '))
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return new URLSearchParams(body)
}

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const page = (title: string, inner: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:10vh auto;padding:0 1rem}
input{display:block;width:100%;box-sizing:border-box;padding:.5rem;margin:.3rem 0 1rem;font:inherit}button{padding:.5rem 1.2rem;margin-right:.5rem;font:inherit}
.wrong{color:#b00020}@media(prefers-color-scheme:dark){body{background:#16191d;color:#e8e8e8}}</style></head><body><main><h1>${escape(title)}</h1>${inner}</main></body></html>`

const loginPage = (title: string, action: string, name: string, wrong = '') =>
  page(
    title,
    `<p>Sign in. Any password is right here.</p>${wrong === '' ? '' : `<p class="wrong">${wrong}</p>`}
<form method="post" action="${action}"><label>Name <input name="login" value="${escape(name)}" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" value="demo" autocomplete="current-password"></label>
<button type="submit" name="continue" value="1">Sign in</button><button type="submit" name="cancel" value="1" formnovalidate>Cancel</button></form>`,
  )

const consentPage = (title: string, action: string, params: Record<string, string>) =>
  page(
    title,
    `<p><strong>${escape(params.client_id ?? 'An application')}</strong> asks for:</p>
<ul>${(params.scope ?? '')
      .split(' ')
      .filter((scope) => scope !== '')
      .map((scope) => `<li>${escape(scope)}</li>`)
      .join('')}</ul>
<form method="post" action="${action}"><button type="submit" name="continue" value="1" autofocus>Allow</button><button type="submit" name="cancel" value="1">Refuse</button></form>`,
  )
