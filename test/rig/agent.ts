import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** What signing in came to: the address that the browser was sent back to, or the last page. */
export type Visit = { done: 'redirect' | 'page'; url: string; status: number; text: string }

type Page = { status: number; headers: Record<string, string | string[] | undefined>; body: string }
type Control = { tag: string; name: string; type: string; value: string; checked: boolean }
type Form = { action: string; method: string; controls: Control[] }

/**
 * A user agent without a browser: it keeps cookies, follows redirects, and fills in whatever form it is shown. It knows
 * nothing of a particular server.
 */
export class Agent {
  readonly #user: string
  readonly #deny: boolean
  readonly #stop: string | undefined
  readonly #ca: string | undefined
  readonly #cookies = new Map<string, string>()

  /** `stop`: an address that begins like this is not visited, but returned. */
  constructor(options: { user: string; deny?: boolean; stop?: string; ca?: string }) {
    this.#user = options.user
    this.#deny = options.deny ?? false
    this.#stop = options.stop
    this.#ca = options.ca
  }

  /** Goes to an address and does what the pages ask for, until it is sent back or nothing is left to fill in. */
  async visit(url: string): Promise<Visit> {
    let at = await this.#go(url, 'GET')
    for (let i = 0; i < 12 && at.done === 'page'; i++) {
      const forms = readForms(at.page.body)
      const form = forms.find((one) => one.controls.some((control) => control.type === 'password')) ?? forms.find((one) => one.method === 'post') ?? forms[0]
      if (!form) break
      const target = new URL(form.action === '' ? at.url : form.action, at.url).href
      const data = this.#fill(form).toString()
      at = form.method === 'post' ? await this.#go(target, 'POST', data) : await this.#go(`${target}${target.includes('?') ? '&' : '?'}${data}`, 'GET')
    }
    return at.done === 'redirect'
      ? { done: 'redirect', url: at.url, status: 302, text: '' }
      : {
          done: 'page',
          url: at.url,
          status: at.page.status,
          text: at.page.body
            .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
            .replace(/<[^>]+>/g, ' ')
            .replace(/\s+/g, ' ')
            .trim(),
        }
  }

  #fill(form: Form): URLSearchParams {
    const data = new URLSearchParams()
    const no = /cancel|abort|deny|reject|refuse|no$/i
    for (const control of form.controls) {
      if (control.name === '') continue
      if (control.type === 'password') data.append(control.name, 'any')
      else if (/^(login|user|username|email)$/i.test(control.name)) data.append(control.name, this.#user)
      else if (control.type === 'checkbox' || control.type === 'radio') {
        if (control.checked) data.append(control.name, control.value || 'on')
      } else if (control.tag !== 'button' && control.type !== 'submit') data.append(control.name, control.value)
    }
    const submit = form.controls
      .filter((control) => control.name !== '' && (control.type === 'submit' || control.tag === 'button'))
      .find((control) => no.test(control.name) === this.#deny)
    if (submit) data.append(submit.name, submit.value)
    return data
  }

  async #go(url: string, method: 'GET' | 'POST', body?: string): Promise<{ done: 'redirect'; url: string } | { done: 'page'; url: string; page: Page }> {
    for (let hop = 0; hop < 20; hop++) {
      if (this.#stop !== undefined && url.startsWith(this.#stop)) return { done: 'redirect', url }
      const page = await this.#request(url, method, body)
      for (const cookie of [page.headers['set-cookie'] ?? []].flat()) this.#keep(new URL(url).host, cookie)
      const location = page.headers.location
      if (page.status < 300 || page.status >= 400 || typeof location !== 'string') return { done: 'page', url, page }
      url = new URL(location, url).href
      if (page.status !== 307 && page.status !== 308) [method, body] = ['GET', undefined]
    }
    throw new Error('too many redirects')
  }

  #keep(host: string, cookie: string): void {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim())
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
    const gone = attributes.some((attribute) => /^expires=/i.test(attribute) && Date.parse(attribute.slice(8)) < Date.now()) || pair.endsWith('=')
    const key = `${host} ${path} ${pair.slice(0, pair.indexOf('='))}`
    if (gone) this.#cookies.delete(key)
    else this.#cookies.set(key, pair)
  }

  /** The Cookie header that it would send to an address. */
  cookieFor(url: string): string {
    const target = new URL(url)
    return [...this.#cookies]
      .filter(([key]) => {
        const [host = '', path = '/'] = key.split(' ')
        return host === target.host && target.pathname.startsWith(path)
      })
      .map(([, pair]) => pair)
      .join('; ')
  }

  #request(url: string, method: string, body: string | undefined): Promise<Page> {
    const target = new URL(url)
    const cookie = this.cookieFor(url)
    const headers = {
      accept: 'text/html',
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(body)), origin: target.origin }),
    }
    return new Promise((done, fail) => {
      const request =
        target.protocol === 'https:'
          ? httpsRequest(target, { method, headers, agent: false, ...(this.#ca ? { ca: this.#ca } : {}) })
          : httpRequest(target, { method, headers, agent: false })
      request.on('response', (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk
          })
          .on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      })
      request.on('error', fail)
      request.end(body)
    })
  }
}

/** Signs in and consents at an authorization address; returns the address with the answer. */
export async function approve(url: string, options: { user: string; stop: string; deny?: boolean; ca?: string }): Promise<string> {
  const visit = await new Agent(options).visit(url)
  if (visit.done !== 'redirect') throw new Error(`the provider did not send the browser back: ${visit.status} ${visit.text.slice(0, 300)}`)
  return visit.url
}

function readForms(html: string): Form[] {
  const clean = html.replace(/<!--[\s\S]*?-->/g, '').replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, '')
  return [...clean.matchAll(/<form\b[^>]*>([\s\S]*?)<\/form>/gi)].map((match) => {
    const form = attributes(match[0].slice(0, match[0].indexOf('>') + 1))
    const outside =
      form.id === undefined
        ? ''
        : [...clean.matchAll(/<(?:input|button)\b[^>]*>/gi)]
            .map((tag) => tag[0])
            .filter((tag) => attributes(tag).form === form.id)
            .join('')
    return {
      action: form.action ?? '',
      method: (form.method ?? 'get').toLowerCase(),
      controls: [...`${match[1] ?? ''}${outside}`.matchAll(/<(input|button)\b[^>]*>/gi)].map((tag) => {
        const found = attributes(tag[0])
        const kind = (tag[1] ?? '').toLowerCase()
        return {
          tag: kind,
          name: found.name ?? '',
          type: (found.type ?? (kind === 'button' ? 'submit' : 'text')).toLowerCase(),
          value: found.value ?? '',
          checked: 'checked' in found,
        }
      }),
    }
  })
}

function attributes(tag: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const match of tag.slice(tag.search(/\s|>/)).matchAll(/([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g)) {
    found[(match[1] ?? '').toLowerCase()] = (match[2] ?? match[3] ?? match[4] ?? '')
      .replace(/&#(\d+);/g, (_, n: string) => String.fromCodePoint(Number(n)))
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&')
  }
  return found
}
