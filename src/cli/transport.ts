import type { IncomingMessage } from 'node:http'
import type { Transport } from '../../client/src/client.ts'

/**
 * Calls the service by node:http: loading `fetch` would take longer than the call. An import of node:http loads it too, for
 * the sake of one of its exports; asking for the module itself does not.
 */
export const lightTransport: Transport = async ({ method, url, headers, body }) => {
  const send = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http').request
  const response = await new Promise<IncomingMessage>((done, fail) => {
    const request = send(url, {
      method,
      agent: false,
      headers: { ...headers, connection: 'close', ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    })
    request.once('response', done)
    request.once('error', fail)
    request.setTimeout(120_000, () => request.destroy(new Error('no answer within two minutes')))
    request.end(body)
  })
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
