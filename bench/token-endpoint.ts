// A process of its own: a token endpoint that refreshes, rotates and detects reuse, and does nothing else.
import { randomBytes, sign, generateKeyPairSync, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'

export type EndpointOrder =
  | { do: 'listen'; port: number; clientId: string; clientSecret: string; firstToken: string }
  /** Forgets the counts; the tokens stay as they are. */
  | { do: 'count_anew' }
  | { do: 'report' }

export type EndpointReport = {
  port: number
  /** Refreshes since the count began. */
  refreshed: number
  /** How often the busiest refresh-token family was refreshed. */
  mostPerFamily: number
  /** Used refresh tokens that came again. */
  reused: number
  refused: number
  /** Milliseconds from the first request to the last answer. */
  milliseconds: number
}

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const header = Buffer.from('{"alg":"RS256","typ":"JWT","kid":"1"}').toString('base64url')

/** The refresh token that counts, per family; a family that is not in here still has its first one. */
const current = new Map<string, string>()
const ended = new Set<string>()
let counts = new Map<string, number>()
let reused = 0
let refused = 0
let firstAt = 0
let lastAt = 0
let port = 0
let expected = Buffer.alloc(0)
let firstToken = ''

process.on('message', (order: EndpointOrder) => {
  switch (order.do) {
    case 'listen': {
      expected = Buffer.from(`Basic ${Buffer.from(`${order.clientId}:${order.clientSecret}`).toString('base64')}`)
      firstToken = order.firstToken
      server.listen(order.port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port
        report()
      })
      return
    }
    case 'count_anew':
      counts = new Map()
      reused = refused = firstAt = lastAt = 0
      return report()
    case 'report':
      return report()
  }
})
process.on('disconnect', () => process.exit(0))

function report(): void {
  const refreshed = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const state: EndpointReport = { port, refreshed, mostPerFamily: Math.max(0, ...counts.values()), reused, refused, milliseconds: lastAt - firstAt }
  process.send?.(state)
}

const server = createServer((request, response) => {
  if (firstAt === 0) firstAt = performance.now()
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.stringify(answer(request, Buffer.concat(chunks).toString('utf8')))
    lastAt = performance.now()
    response.writeHead(body.startsWith('{"error"') ? 400 : 200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
})

function answer(request: IncomingMessage, body: string): Record<string, unknown> {
  const given = Buffer.from(request.headers.authorization ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return refuse('invalid_client')
  const form = new URLSearchParams(body)
  const token = form.get('refresh_token') ?? ''
  if (form.get('grant_type') !== 'refresh_token') return refuse('unsupported_grant_type')
  // Every refresh token ends with the number of its family.
  const family = token.slice(token.lastIndexOf('-') + 1)
  if (ended.has(family)) return refuse('invalid_grant')
  if (token !== (current.get(family) ?? firstToken.replace('{n}', family))) {
    reused++
    ended.add(family)
    return refuse('invalid_grant')
  }
  const next = `${randomBytes(32).toString('base64url')}-${family}`
  current.set(family, next)
  counts.set(family, (counts.get(family) ?? 0) + 1)
  return { access_token: makeAccessToken(family), token_type: 'Bearer', expires_in: 3600, refresh_token: next, scope: 'mail.send offline_access' }
}

function refuse(error: string): Record<string, unknown> {
  refused++
  return { error }
}

/** A signed token, as most large providers give: signing is what an authorization server works at. */
function makeAccessToken(family: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'http://127.0.0.1', sub: family, aud: 'bench', iat: now, exp: now + 3600, jti: randomBytes(16).toString('hex'), scope: 'mail.send' }
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}
