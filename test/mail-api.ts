import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type SeenCall = { method: string; path: string; query: URLSearchParams; headers: IncomingMessage['headers']; body: Buffer }

/** What a call is answered with in place of the usual; `cut`: the connection ends without an answer, after all was carried out. */
export type Said = { status: number; headers?: Record<string, string>; body?: unknown } | 'cut' | 'cut_before' | undefined

/** What a stand-in was told to send. */
export type SentMail = { user: string; mime?: string; message?: Record<string, unknown>; attachments: { name: string; content: Buffer }[] }

export type MailApi = {
  url: string
  port: number
  calls: SeenCall[]
  sent: SentMail[]
  /** Drafts that are still there. */
  drafts: Map<string, SentMail>
  /** Tokens that are refused with 401. */
  refusedTokens: Set<string>
  mostAtOnce: number
  say: (call: SeenCall) => Said | Promise<Said>
  close: () => Promise<void>
}

export const graphError = (status: number, code: string, message: string, headers: Record<string, string> = {}): Said => ({
  status,
  headers,
  body: { error: { code, message, innerError: { date: '2026-11-24T12:00:00', 'request-id': '6f7a2c1e-0000-4000-8000-000000000000' } } },
})

export const gmailError = (status: number, reason: string, message: string, headers: Record<string, string> = {}): Said => ({
  status,
  headers,
  body: {
    error: { code: status, message, errors: [{ message, domain: 'global', reason }], status: status === 403 ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT' },
  },
})

type Handle = (call: SeenCall, api: MailApi) => { status: number; headers?: Record<string, string>; body?: unknown }

/**
 * A stand-in for Graph's mail calls, written from their documentation: 202 without a body, at most 4 MB in a call, drafts that
 * keep an immutable id, uploads in ranges that must follow each other.
 *
 * @see https://learn.microsoft.com/en-us/graph/api/user-sendmail
 * @see https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession
 */
export async function startGraph(): Promise<MailApi> {
  let made = 0
  const uploads = new Map<string, { draft: string; name: string; size: number; parts: Buffer[] }>()
  return await startApi((call, api) => {
    if (call.body.length > 4 * 1024 * 1024) return errorOf(413, 'RequestEntityTooLarge', 'Request Entity Too Large')
    const upload = /^\/uploads\/(\w+)$/.exec(call.path)
    if (upload) return putPart(call, api, uploads.get(upload[1]!)!)
    const [, user, rest] = /^\/v1\.0\/(me|users\/[^/]+)(\/.*)?$/.exec(call.path) ?? []
    if (user === undefined) return errorOf(404, 'ResourceNotFound', 'There is no such address.')
    if (rest === undefined) return { status: 200, body: { id: 'user-1' } }
    if (rest === '/sendMail') {
      if (call.headers['content-type'] === 'text/plain') {
        const mime = Buffer.from(call.body.toString(), 'base64').toString()
        api.sent.push({ user: decodeURIComponent(user), mime, attachments: [] })
      } else {
        const { message } = JSON.parse(call.body.toString()) as {
          message: Record<string, unknown> & { attachments?: { name: string; contentBytes: string }[] }
        }
        const attachments = (message.attachments ?? []).map((one) => ({ name: one.name, content: Buffer.from(one.contentBytes, 'base64') }))
        api.sent.push({ user: decodeURIComponent(user), message, attachments })
      }
      return { status: 202, headers: { 'request-id': 'f00d' } }
    }
    if (rest === '/messages') {
      const id = `AAMk=${++made}`
      api.drafts.set(id, { user: decodeURIComponent(user), message: JSON.parse(call.body.toString()) as Record<string, unknown>, attachments: [] })
      return { status: 201, body: { id, isDraft: true } }
    }
    const [, id = '', action = ''] = /^\/messages\/([^/]+)(\/.*)?$/.exec(rest) ?? []
    const key = decodeURIComponent(id)
    const draft = api.drafts.get(key)
    if (call.method === 'GET') return draft ? { status: 200, body: { isDraft: true } } : { status: 200, body: { isDraft: false } }
    if (!draft) return errorOf(404, 'ErrorItemNotFound', 'The specified object was not found in the store.')
    if (call.method === 'DELETE') {
      api.drafts.delete(key)
      return { status: 204 }
    }
    if (action === '/send') {
      api.drafts.delete(key)
      api.sent.push(draft)
      return { status: 202 }
    }
    const body = JSON.parse(call.body.toString()) as { name: string; contentBytes: string; AttachmentItem: { name: string; size: number } }
    if (action === '/attachments') {
      draft.attachments.push({ name: body.name, content: Buffer.from(body.contentBytes, 'base64') })
      return { status: 201, body: { id: 'att' } }
    }
    const name = `u${++made}`
    uploads.set(name, { draft: key, name: body.AttachmentItem.name, size: body.AttachmentItem.size, parts: [] })
    return { status: 201, body: { uploadUrl: `${api.url}/uploads/${name}?authtoken=secret`, nextExpectedRanges: ['0-'] } }
  })
}

function putPart(call: SeenCall, api: MailApi, upload: { draft: string; name: string; size: number; parts: Buffer[] }): ReturnType<Handle> {
  if (call.headers.authorization !== undefined) return errorOf(401, 'InvalidAuthenticationToken', 'The audience is invalid.')
  const has = Buffer.concat(upload.parts).length
  if (call.headers['content-range'] !== `bytes ${has}-${has + call.body.length - 1}/${upload.size}`)
    return errorOf(416, 'InvalidRange', 'The range does not follow.')
  upload.parts.push(call.body)
  const now = has + call.body.length
  if (now < upload.size) return { status: 200, body: { nextExpectedRanges: [String(now)] } }
  api.drafts.get(upload.draft)!.attachments.push({ name: upload.name, content: Buffer.concat(upload.parts) })
  return { status: 201, headers: { location: `${api.url}/attachments/1` } }
}

/**
 * A stand-in for sending through the Gmail API: simple uploads, and resumable ones that say with 308 how much they have.
 *
 * @see https://developers.google.com/workspace/gmail/api/guides/uploads
 */
export async function startGmail(): Promise<MailApi> {
  let made = 0
  const uploads = new Map<string, { user: string; size: number; parts: Buffer[]; isSent: boolean }>()
  return await startApi((call, api) => {
    const take = (user: string, mime: string) => {
      api.sent.push({ user, mime, attachments: [] })
      return { status: 200, body: { id: `gm-${++made}`, threadId: 't', labelIds: ['SENT'] } }
    }
    const session = call.query.get('upload_id')
    if (session !== null) {
      const upload = uploads.get(session)!
      if (call.headers.authorization !== undefined) return { status: 400 }
      if (upload.isSent) return { status: 200, body: { id: `gm-${made}` } }
      const has = () => Buffer.concat(upload.parts).length
      const [, from, to] = /^bytes (\d+)-(\d+)\//.exec(call.headers['content-range'] ?? '') ?? []
      if (from !== undefined && (Number(from) !== has() || Number(to) !== has() + call.body.length - 1)) return { status: 400 }
      if (from !== undefined && has() + call.body.length < upload.size && call.body.length % (256 * 1024) !== 0) return { status: 400 }
      upload.parts.push(call.body)
      if (has() < upload.size) return { status: 308, headers: rangeOf(has()) }
      upload.isSent = true
      return take(upload.user, Buffer.concat(upload.parts).toString())
    }
    const [, user] = /^(?:\/upload)?\/gmail\/v1\/users\/([^/]+)\/(?:messages\/send|profile)$/.exec(call.path) ?? []
    if (user === undefined) return { status: 404 }
    if (call.path.endsWith('/profile')) return { status: 200, body: { emailAddress: 'anna@example.org' } }
    if (call.query.get('uploadType') === 'resumable') {
      const name = `r${++made}`
      uploads.set(name, { user: decodeURIComponent(user), size: Number(call.headers['x-upload-content-length']), parts: [], isSent: false })
      return { status: 200, headers: { location: `${api.url}${call.path}?uploadType=resumable&upload_id=${name}` } }
    }
    if (call.body.length > 5 * 1024 * 1024) return { status: 413 }
    return take(decodeURIComponent(user), call.body.toString())
  })
}

const errorOf = (status: number, code: string, message: string) => ({ status, body: { error: { code, message } } })

async function startApi(handle: Handle): Promise<MailApi> {
  let atOnce = 0
  const api: MailApi = {
    url: '',
    port: 0,
    calls: [],
    sent: [],
    drafts: new Map(),
    refusedTokens: new Set(),
    mostAtOnce: 0,
    say: () => undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const call: SeenCall = { method: request.method ?? '', path: url.pathname, query: url.searchParams, headers: request.headers, body: Buffer.concat(chunks) }
    api.calls.push(call)
    api.mostAtOnce = Math.max(api.mostAtOnce, ++atOnce)
    const said = await api.say(call)
    atOnce -= 1
    if (said === 'cut_before') return response.destroy()
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    if (token !== undefined && api.refusedTokens.has(token)) {
      const body = { error: { code: 'InvalidAuthenticationToken', message: 'Lifetime validation failed, the token is expired.' } }
      return response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const answer = said === undefined || said === 'cut' ? handle(call, api) : said
    if (said === 'cut') return response.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    return response.end(answer.body === undefined ? '' : JSON.stringify(answer.body))
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  api.port = (server.address() as AddressInfo).port
  api.url = `http://127.0.0.1:${api.port}`
  return api
}

const rangeOf = (has: number): Record<string, string> => (has === 0 ? {} : { range: `bytes=0-${has - 1}` })
