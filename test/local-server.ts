import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export type LocalServer = {
  port: number
  /** `METHOD /path` of every request that came. */
  requests: string[]
  /** Connections that are open now. */
  connections(): number
  close(): Promise<void>
  /** So that `await using` closes it, also when the test fails. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a web server on a free port of loopback, with TLS if there is a certificate. */
export async function startLocalServer(listener: RequestListener, options: { tls?: ServerOptions; host?: string } = {}): Promise<LocalServer> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const counted: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    listener(request, response)
  }
  const server: Server = options.tls ? createTlsServer(options.tls, counted) : createPlainServer(counted)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, options.host ?? '127.0.0.1', resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, requests, connections: () => sockets.size, close, [Symbol.asyncDispose]: close }
}
