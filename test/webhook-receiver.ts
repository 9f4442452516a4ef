import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A message as the receiver got it; `valid`: whether its signature is right by the receiver's own computation. */
export type SeenHook = { id: string; headers: IncomingHttpHeaders; body: string; path: string; valid: boolean; json: HookBody }
export type HookBody = {
  type: string
  timestamp: string
  data: {
    text: string
    more: number
    notices: { about: { kind: string; id: string | null; name: string }; message: string | null; next_step: string | null; url: string }[]
  }
}

/** What the receiver says: a status, nothing for so long, or nothing at all. */
export type HookAnswer = { status?: number; headers?: Record<string, string>; wait?: number } | 'hang' | 'drop'

export type WebhookReceiver = {
  url: string
  /** Those whose signature was right. */
  seen: SeenHook[]
  wrong: SeenHook[]
  secrets: string[]
  answer: (hook: SeenHook, count: number) => HookAnswer
  close(): Promise<void>
}

/**
 * Starts a receiver that checks signatures as the specification tells receivers to, with none of the code it is to check:
 * the secret's base64 behind `whsec_`, HMAC-SHA256 over "id.timestamp.body", one of several signatures, `v1,` in front.
 */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const receiver: WebhookReceiver = {
    url: '',
    seen: [],
    wrong: [],
    secrets: [],
    answer: () => ({ status: 204 }),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const id = String(request.headers['webhook-id'])
      const content = Buffer.concat([Buffer.from(`${id}.${String(request.headers['webhook-timestamp'])}.`), body])
      const expected = receiver.secrets.map(
        (secret) =>
          `v1,${createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
            .update(content)
            .digest('base64')}`,
      )
      const given = String(request.headers['webhook-signature']).split(' ')
      const valid = expected.some((one) => given.includes(one))
      const hook: SeenHook = {
        id,
        headers: request.headers,
        body: body.toString('utf8'),
        path: request.url ?? '',
        valid,
        json: JSON.parse(body.toString('utf8')) as HookBody,
      }
      ;(valid ? receiver.seen : receiver.wrong).push(hook)
      const answer = receiver.answer(hook, receiver.seen.length + receiver.wrong.length)
      if (answer === 'hang') return
      if (answer === 'drop') return void response.destroy()
      setTimeout(() => response.writeHead(answer.status ?? 204, answer.headers).end(), answer.wait ?? 0)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return receiver
}
