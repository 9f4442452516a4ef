import type { IncomingMessage } from 'node:http'
import type { Transport, TransportRequest, TransportResponse } from '../../client/src/client.ts'

/**
 * Calls the service by node:http: loading `fetch` would take longer than the call. An import of node:http loads it too, for
 * the sake of one of its exports; asking for the module itself does not.
 */
export const lightTransport: Transport = async (request) => readable(await send(request))

/** Calls likewise, and gives up after so many milliseconds of silence. */
export const transportWithin =
  (milliseconds: number): Transport =>
  async (request) =>
    readable(await send(request, milliseconds))

/** Calls likewise, and gives the body of what succeeds to `take` as it comes, instead of keeping it. */
export const fetchPieces =
  (take: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Transport =>
  async (request) => {
    const response = await send(request)
    return {
      ...readable(response),
      async arrayBuffer() {
        await take(pieces(response))
        return new ArrayBuffer(0)
      },
    }
  }

/** Ends with the connection: whoever checks what came then sees that it is not all. */
async function* pieces(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) yield piece as Uint8Array
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
}

function send({ method, url, headers, body }: TransportRequest, longestSilence = 120_000): Promise<IncomingMessage> {
  const start = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http').request
  return new Promise<IncomingMessage>((done, fail) => {
    const request = start(url, {
      method,
      agent: false,
      headers: { ...headers, connection: 'close', ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    })
    request.once('response', done)
    request.once('error', fail)
    request.setTimeout(longestSilence, () => request.destroy(new Error(`no answer within ${longestSilence / 1000} seconds`)))
    request.end(body)
  })
}

function readable(response: IncomingMessage): TransportResponse {
  return {
    status: response.statusCode ?? 0,
    headers: { get: (name) => [response.headers[name.toLowerCase()] ?? null].flat()[0] ?? null },
    async text() {
      let text = ''
      response.setEncoding('utf8')
      for await (const chunk of response) text += String(chunk)
      return text
    },
  }
}
