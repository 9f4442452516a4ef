import { lookup as dnsLookup } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { AddressRules } from './addresses.ts'
import type { OutgoingHttp, OutgoingRequest, OutgoingResponse } from './http-types.ts'
import { Problem } from './problem.ts'

const defaultTimeout = 30_000
const defaultMaxBytes = 1024 * 1024
const parallelPerHost = 20

type Resolve = (host: string) => Promise<string[]>

/**
 * Makes the one way out for the program's own HTTP: https with checked certificates, addresses checked as numbers and then
 * used as they were checked, no redirects, bounded in time, size and number.
 */
export function createOutgoingHttp(options: {
  addresses: AddressRules
  /** PEM of further certificate authorities. */
  ca?: string | undefined
  resolve?: Resolve
}): OutgoingHttp & { close: () => void } {
  const resolve = options.resolve ?? systemResolve
  const ca = options.ca === undefined ? undefined : [...getCACertificates('default'), options.ca]
  const http = new HttpAgent({ keepAlive: true, maxSockets: parallelPerHost, maxFreeSockets: parallelPerHost, timeout: 60_000 })
  const https = new HttpsAgent({
    keepAlive: true,
    maxSockets: parallelPerHost,
    maxFreeSockets: parallelPerHost,
    timeout: 60_000,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(ca ? { ca } : {}),
  })

  const send: OutgoingHttp = async (request) => {
    const url = checkUrl(request.url, options.addresses)
    const bounds = boundsOf(request)
    try {
      return await sendWithin(bounds.signal, url, request)
    } finally {
      bounds.release()
    }
  }

  const sendWithin = async (signal: AbortSignal, url: URL, request: OutgoingRequest): Promise<OutgoingResponse> => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(host) === 0 ? await resolveHost(resolve, host, signal) : [host]
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    for (const address of addresses) {
      if (!options.addresses.mayConnect(host, address, port)) {
        throw new Problem('address_not_allowed', `${host} has the address ${address}, which is private or reserved.`, { facts: { sent: false } })
      }
    }
    // Invariant: the address that was checked is the one that is connected to; the name is not looked up again.
    const pinned: LookupFunction = (_name, wanted, done) => {
      const family = typeof wanted === 'object' ? wanted.family : 0
      const fitting = addresses.filter((address) => family === 0 || family === undefined || isIP(address) === Number(String(family).replace(/\D/g, '')))
      const list = (fitting.length > 0 ? fitting : addresses).map((address) => ({ address, family: isIP(address) }))
      if (typeof wanted === 'object' && wanted.all === true) done(null, list)
      else done(null, list[0]!.address, list[0]!.family)
    }
    return await exchange(url, request, { http, https, pinned, signal })
  }
  return Object.assign(send, {
    close() {
      http.destroy()
      https.destroy()
    },
  })
}

function checkUrl(text: string, rules: AddressRules): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new Problem('address_not_allowed', 'The address is not a URL.', { facts: { sent: false } })
  }
  const refuse = (what: string) => new Problem('address_not_allowed', `${url.protocol}//${url.host}: ${what}.`, { facts: { sent: false } })
  if (url.username !== '' || url.password !== '') throw refuse('an address with a user name is refused')
  if (url.hostname === '' || url.hostname.endsWith('.')) throw refuse('the host name must not end with a dot')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && rules.allowsPlain(url.hostname.replace(/^\[|\]$/g, '')))) {
    throw refuse('only https is allowed')
  }
  return url
}

const systemResolve: Resolve = (host) =>
  new Promise((done, fail) => {
    dnsLookup(host, { all: true, verbatim: true }, (error, addresses) => (error ? fail(error) : done(addresses.map((entry) => entry.address))))
  })

async function resolveHost(resolve: Resolve, host: string, signal: AbortSignal): Promise<string[]> {
  try {
    const ended = new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true }))
    signal.throwIfAborted()
    const addresses = await Promise.race([resolve(host), ended])
    if (addresses.length > 0) return addresses
    throw new Error('no address')
  } catch (error) {
    const what = signal.aborted ? `: ${(signal.reason as Error).message}` : ' cannot be resolved'
    throw new Problem('outgoing_failed', `${host}${what}.`, { cause: error, facts: { sent: false } })
  }
}

/** Joins the caller's signal and the time limit, which counts from here: looking up, waiting for a connection, the whole answer. */
function boundsOf(request: OutgoingRequest): { signal: AbortSignal; release: () => void } {
  const bounds = new AbortController()
  const milliseconds = request.timeout ?? defaultTimeout
  const timer = setTimeout(() => bounds.abort(new Error(`no whole answer within ${milliseconds / 1000} s`)), milliseconds)
  const cancel = () => bounds.abort(new Error('the request was cancelled', { cause: request.signal?.reason }))
  if (request.signal?.aborted === true) cancel()
  request.signal?.addEventListener('abort', cancel, { once: true })
  return {
    signal: bounds.signal,
    release() {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', cancel)
    },
  }
}

type Way = { http: HttpAgent; https: HttpsAgent; pinned: LookupFunction; signal: AbortSignal }

function exchange(url: URL, request: OutgoingRequest, way: Way): Promise<OutgoingResponse> {
  return new Promise((done, fail) => {
    // Until the connection stands and, for https, the certificate was checked, nothing of the request has left.
    let sent = false
    let over = false
    const end = (error: unknown, what: string) => {
      if (over) return
      over = true
      client?.destroy()
      fail(new Problem('outgoing_failed', `${url.host}: ${what}.`, { cause: error, facts: { sent } }))
    }
    const common = {
      method: request.method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'Keybearer',
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
      },
      lookup: way.pinned,
    }
    let client: ClientRequest | undefined
    const stop = () => end(way.signal.reason, (way.signal.reason as Error).message)
    if (way.signal.aborted) return stop()
    way.signal.addEventListener('abort', stop, { once: true })
    try {
      client =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...common, agent: way.https, servername: isIP(url.hostname.replace(/^\[|\]$/g, '')) ? '' : url.hostname })
          : httpRequest(url, { ...common, agent: way.http })
    } catch (error) {
      return end(error, 'the request has a header that cannot be sent')
    }

    client.on('socket', (socket) => {
      // A request that waited for a connection gets a used one, and `reusedSocket` does not say so.
      if (!socket.connecting && (socket as { secureConnecting?: boolean }).secureConnecting !== true) {
        sent = true
        return
      }
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        sent = true
      })
    })
    client.on('error', (error: NodeJS.ErrnoException) => end(error, describe(error)))
    client.on('response', (response) => {
      sent = true
      read(response, request.maxBytes ?? defaultMaxBytes, request.beyondMax ?? 'fail').then(
        ({ body, isCut }) => {
          if (over) return
          over = true
          done({ status: response.statusCode ?? 0, headers: flatten(response), body, ...(isCut ? { isCut } : {}) })
        },
        (error: Error) => end(error, error.message),
      )
    })
    client.end(request.body)
  })
}

async function read(response: IncomingMessage, maxBytes: number, beyond: 'fail' | 'cut'): Promise<{ body: Uint8Array; isCut: boolean }> {
  const encoding = response.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw new Error('the answer is compressed, although that was not asked for')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    chunks.push(chunk)
    if (size <= maxBytes) continue
    // Leaving the loop ends the connection: what is not read is not waited for.
    if (beyond === 'cut') return { body: Buffer.concat(chunks).subarray(0, maxBytes), isCut: true }
    throw new Error(`the answer is larger than ${maxBytes} bytes`)
  }
  if (!response.complete) throw new Error('the answer was cut off')
  return { body: Buffer.concat(chunks), isCut: false }
}

function flatten(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '')
  return headers
}

function describe(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'the connection was refused'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was cut'
    case 'ETIMEDOUT':
      return 'the connection timed out'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'the network is not reachable'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'the certificate is self-signed; add its authority by KEYBEARER_CA_FILE if you trust it'
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'the certificate is from an unknown authority; add it by KEYBEARER_CA_FILE if you trust it'
    case 'CERT_HAS_EXPIRED':
      return 'the certificate has expired'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'the certificate is for another name'
    default:
      if (/SSL|TLS|EPROTO/.test(error.code ?? '')) return 'the TLS handshake failed'
      return error.code ?? 'the request failed'
  }
}
