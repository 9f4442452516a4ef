// A process of its own: a real authorization server (oidc-provider) that refreshes, rotates and ends what was used twice.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import Provider, { type Context } from 'oidc-provider'

export type ServerOrder =
  | { do: 'listen'; file: string; clientId: string; clientSecret: string; firstToken: string }
  /** Forgets the counts; the tokens stay as they are. */
  | { do: 'count_anew' }
  | { do: 'report' }

export type ServerReport = {
  port: number
  /** Refreshes since the count began. */
  refreshed: number
  /** How often the busiest grant was refreshed. */
  mostPerGrant: number
  /** Used refresh tokens that came again. */
  reused: number
  refused: number
  /** Milliseconds from the first request to the last answer. */
  milliseconds: number
}

const scope = 'mail.send offline_access'
const resource = 'urn:bench:mail'
const life = 86_400
type Stored = Record<string, unknown>

let firstToken = ''
let clientId = ''
let counts = new Map<string, number>()
let reused = 0
let refused = 0
let firstAt = 0
let lastAt = 0
let port = 0

let store: ReturnType<typeof openStore>

/**
 * Keeps on disk, each change synced, what the library wants to keep: a server that rotates refresh tokens must know after a
 * crash which one counts. Every number has a person who has consented already: his grant and first refresh token are there
 * when they are asked for, so that nobody has to sign in ten thousand times.
 */
class Store {
  readonly #kind: string

  constructor(kind: string) {
    this.#kind = kind
  }

  async upsert(id: string, stored: Stored): Promise<void> {
    // Access tokens are signed, so that nobody has to look them up.
    if (this.#kind !== 'AccessToken') this.#put(id, stored)
  }

  async find(id: string): Promise<Stored | undefined> {
    const row = store.find.get(this.#kind, id)
    return row ? (JSON.parse(String(row.value)) as Stored) : this.#ofTheBeginning(id)
  }

  async consume(id: string): Promise<void> {
    const stored = await this.find(id)
    if (stored) this.#put(id, { ...stored, consumed: Math.floor(Date.now() / 1000) })
  }

  async destroy(id: string): Promise<void> {
    this.#put(id, { exp: 0 })
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    store.revoke.run(grantId)
  }

  #put(id: string, stored: Stored): void {
    const grant = typeof stored.grantId === 'string' ? stored.grantId : null
    store.put.run(this.#kind, id, grant, JSON.stringify(stored))
  }

  #ofTheBeginning(id: string): Stored | undefined {
    const iat = Math.floor(Date.now() / 1000)
    const common = { iat, exp: iat + life, clientId, kind: this.#kind, jti: id }
    const number = (prefix: string) => (id.startsWith(prefix) ? id.slice(prefix.length) : undefined)
    if (this.#kind === 'Grant') {
      const n = number('grant-')
      if (n !== undefined) return { ...common, accountId: `person-${n}`, openid: { scope: 'offline_access' }, resources: { [resource]: 'mail.send' } }
    }
    if (this.#kind === 'RefreshToken') {
      const n = number(firstToken.replace('{n}', ''))
      if (n !== undefined) return { ...common, accountId: `person-${n}`, grantId: `grant-${n}`, gty: 'authorization_code', scope, resource }
    }
    return undefined
  }
}

function openStore(file: string) {
  const database = new DatabaseSync(file)
  database.exec(`pragma journal_mode = wal; pragma synchronous = full;
    create table things (kind text, id text, grant_id text, value text, primary key (kind, id)) without rowid;
    create index of_grant on things (grant_id)`)
  return {
    find: database.prepare('select value from things where kind = ? and id = ?'),
    put: database.prepare('insert or replace into things values (?, ?, ?, ?)'),
    revoke: database.prepare(`update things set value = '{"exp":0}' where grant_id = ?`),
  }
}

function start(issuer: string, client: { client_id: string; client_secret: string }): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const provider = new Provider(issuer, {
    adapter: Store,
    clients: [
      {
        ...client,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://unused.example/callback'],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'rs256', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['only-for-measuring'] },
    scopes: ['openid', 'offline_access', 'mail.send'],
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    findAccount: (_context: Context, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: () => resource,
        // A signed token, as most large providers give.
        getResourceServerInfo: () => ({ scope: 'mail.send', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    ttl: { AccessToken: 3600, RefreshToken: life, Grant: life },
  })
  provider.on('grant.success', (context) => {
    const token = (context as Context).oidc?.entities?.RefreshToken as { grantId: string } | undefined
    const grantId = token?.grantId ?? 'of another kind'
    counts.set(grantId, (counts.get(grantId) ?? 0) + 1)
    lastAt = performance.now()
  })
  provider.on('grant.error', (_context, error) => {
    refused++
    if (String((error as { error_detail?: string }).error_detail).includes('already used')) reused++
  })
  return provider
}

let answer: ReturnType<Provider['callback']> | undefined
const server = createServer((request, response) => {
  if (firstAt === 0) firstAt = performance.now()
  answer?.(request, response)
})

function report(): void {
  const state: ServerReport = {
    port,
    refreshed: [...counts.values()].reduce((sum, count) => sum + count, 0),
    mostPerGrant: Math.max(0, ...counts.values()),
    reused,
    refused,
    milliseconds: lastAt - firstAt,
  }
  process.send?.(state)
}

process.on('message', (order: ServerOrder) => {
  switch (order.do) {
    case 'listen':
      store = openStore(order.file)
      firstToken = order.firstToken
      clientId = order.clientId
      server.listen(0, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port
        answer = start(`http://127.0.0.1:${port}`, { client_id: order.clientId, client_secret: order.clientSecret }).callback()
        report()
      })
      return
    case 'count_anew':
      counts = new Map()
      reused = refused = firstAt = lastAt = 0
      return report()
    case 'report':
      return report()
  }
})
process.on('disconnect', () => process.exit(0))
