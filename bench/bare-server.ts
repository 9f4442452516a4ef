// A process of its own: node:http and nothing else, answering every request with the bytes it was told.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type BareAnswer = { headers: Record<string, string>; body: string }

process.on('message', ({ headers, body }: BareAnswer) => {
  const length = Buffer.byteLength(body)
  const server = createServer((_request, response) => {
    response.writeHead(200, { ...headers, 'content-length': length })
    response.end(body)
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
})
process.on('disconnect', () => process.exit(0))
