import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify } from 'jose'
import Provider, { errors, type Context } from 'oidc-provider'
import { handleInteraction } from './interaction.ts'

/** One request to the authorization server that was answered: refreshes are counted here. */
export type SeenRequest = {
  path: string
  method: string
  status: number
  grant: string | null
  client: string | null
  /** The refresh token that came with it. */
  refreshToken: string | null
}

export type AuthorizationServer = {
  issuer: string
  requests: SeenRequest[]
  /** Private keys of the clients that sign their assertions, PKCS #8 PEM. */
  clientKeys: { rs256: string; es256: string }
  /** Public keys that sign access tokens, SPKI PEM: for servers that check tokens themselves. */
  publicKeys: { rs256: string; es256: string }
  /** Makes it answer nothing, as a provider that hangs; `false` lets it go on. */
  hang: (hangs: boolean) => void
  /** Seconds that tokens live from now on. */
  setLifetimes: (lifetimes: { access?: number; refresh?: number }) => void
  /** Makes a refresh token as a consent of this person would: the first of a family of its own. */
  issueRefreshToken: (person: string, clientId: string) => Promise<string>
  /** Takes every token of persons back, or of this one, as somebody does on the security page of an account. */
  takeBackTokens: (person?: string) => Promise<void>
  stop: () => Promise<void>
}

export type AuthorizationServerOptions = {
  port?: number
  host?: string
  /** PEM; without it plain http on loopback. */
  tls?: { key: string; cert: string }
  /** Whom it knows: name and mail address. Any password is right. */
  people?: Record<string, string>
  /** Of this one it has not made sure that the mail address is his. */
  unverified?: string
  clients?: Record<string, unknown>[]
  title?: string
  /** Takes only authorization requests that were sent ahead (RFC 9126). */
  pushedOnly?: boolean
}

const code = 'authorization_code'
const refresh = 'refresh_token'
const machine = 'client_credentials'
const device = 'urn:ietf:params:oauth:grant-type:device_code'
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const scopes = ['openid', 'offline_access', 'email', 'smtp.send', 'imap.access']

/** The clients of the tests. `robot:basic` has reserved characters on purpose: unencoded they are refused. */
export const clientSecrets = {
  'web-basic': 'web-basic-secret-0123456789abcdef',
  'web-post': 'web-post-secret-0123456789abcdef',
  'robot:basic': 'p+q/r=s t%u&v-0123456789abcdef',
  'robot-post': 'robot-post-secret-0123456789abcdef',
  delegate: 'delegate-secret-0123456789abcdef',
  dovecot: 'dovecot-secret-0123456789abcdef',
} as const

function testClients(keys: object[]): Record<string, unknown>[] {
  const robot = { redirect_uris: [], response_types: [], grant_types: [machine], scope: 'smtp.send imap.access', mailbox: 'robot@rig.test' }
  const web = { redirect_uris: ['https://unused.rig.test/callback'], grant_types: [code, refresh, device] }
  return [
    { client_id: 'web-basic', client_secret: clientSecrets['web-basic'], token_endpoint_auth_method: 'client_secret_basic', ...web },
    { client_id: 'web-post', client_secret: clientSecrets['web-post'], token_endpoint_auth_method: 'client_secret_post', ...web },
    { client_id: 'web-pkjwt', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys }, ...web },
    { client_id: 'native', token_endpoint_auth_method: 'none', application_type: 'native', ...web, redirect_uris: ['http://127.0.0.1/callback'] },
    { client_id: 'native-short', token_endpoint_auth_method: 'none', application_type: 'native', ...web, redirect_uris: ['http://127.0.0.1/callback'] },
    { client_id: 'robot:basic', client_secret: clientSecrets['robot:basic'], token_endpoint_auth_method: 'client_secret_basic', ...robot },
    { client_id: 'robot-post', client_secret: clientSecrets['robot-post'], token_endpoint_auth_method: 'client_secret_post', ...robot },
    { client_id: 'robot-pkjwt', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys }, ...robot },
    {
      client_id: 'delegate',
      client_secret: clientSecrets.delegate,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      response_types: [],
      grant_types: [bearer],
    },
    {
      client_id: 'dovecot',
      client_secret: clientSecrets.dovecot,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ]
}

/** The library warns at every start that it keeps nothing and that its pages are plain: here both are meant to be so. */
function quieten(): void {
  for (const level of ['info', 'warn'] as const) {
    const write = console[level].bind(console)
    console[level] = (...parts: unknown[]) => {
      if (!String(parts[0]).includes('oidc-provider')) write(...parts)
    }
  }
}
quieten()

/**
 * Starts a real authorization server: PKCE required, refresh tokens rotate and a used one ends its family, tokens live
 * seconds if the test wants. The subject is not the mail address on purpose.
 */
export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const people = options.people ?? { alice: 'alice@rig.test', bob: 'bob@rig.test' }
  const lifetimes = { access: 300, refresh: 3600 }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clientRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const clientEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = (key: KeyObject, kid: string, alg: string) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' })
  const clientJwks = [jwk(clientRsa.publicKey, 'client-rs256', 'RS256'), jwk(clientEc.publicKey, 'client-es256', 'ES256')]
  const requests: SeenRequest[] = []
  let hangs = false
  let handler: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.writeHead(503).end()
  const held = new Set<ServerResponse>()
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (hangs) held.add(response)
    else handler(request, response)
  }
  const server: Server = options.tls ? createHttpsServer(options.tls, listener) : createHttpServer(listener)
  // A mail server asks again over a connection it left idle; one that closes just then is a failed login to it.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((done) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', done))
  const issuer = `${options.tls ? 'https' : 'http'}://localhost:${(server.address() as AddressInfo).port}`

  const isShort = (client: { clientId?: string } | undefined) => client?.clientId?.endsWith('-short') === true
  const provider = new Provider(issuer, {
    clients: options.clients ?? testClients(clientJwks),
    jwks: { keys: [jwk(rsa.privateKey, 'as-rs256', 'RS256'), jwk(ec.privateKey, 'as-es256', 'ES256')] },
    cookies: { keys: ['only-for-tests'] },
    extraClientMetadata: { properties: ['mailbox'] },
    scopes,
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: () => true,
    expiresWithSession: () => false,
    issueRefreshToken: (_context: Context, client: { grantTypeAllowed: (grant: string) => boolean }, source: { scopes: Set<string> }) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    findAccount: (_context: Context, id: string) =>
      people[id] === undefined ? undefined : { accountId: id, claims: () => ({ sub: id, email: people[id], email_verified: options.unverified !== id }) },
    extraTokenClaims: (_context: Context, token: { accountId?: string; client?: { mailbox?: string } }) => {
      const mailbox = token.accountId === undefined ? token.client?.mailbox : people[token.accountId]
      return mailbox === undefined ? undefined : { email: mailbox, username: mailbox }
    },
    interactions: { url: (_context: Context, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    formats: {
      customizers: {
        // oidc-provider marks access tokens at+jwt (RFC 9068); Dovecot 2.3 takes only JWT.
        jwt: (_context: Context, _token: unknown, parts: { header: object }) => {
          parts.header = { ...parts.header, typ: 'JWT' }
          return parts
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, mask: '****-****' },
      introspection: { enabled: true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: options.pushedOnly ?? false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_context: Context, resource: string) => ({
          scope: 'smtp.send imap.access',
          audience: resource,
          accessTokenFormat: resource.includes(':jwt') ? 'jwt' : 'opaque',
          ...(resource.includes(':jwt') ? { jwt: { sign: { alg: resource.endsWith('-es') ? 'ES256' : 'RS256' } } } : {}),
        }),
      },
    },
    ttl: {
      AccessToken: (_context: Context, _token: unknown, client: { clientId?: string }) => (isShort(client) ? 4 : lifetimes.access),
      ClientCredentials: (_context: Context, _token: unknown, client: { clientId?: string }) => (isShort(client) ? 4 : lifetimes.access),
      RefreshToken: () => lifetimes.refresh,
      AuthorizationCode: 60,
      DeviceCode: 300,
      IdToken: 300,
      Interaction: 600,
      Session: 3600,
      Grant: 86_400,
    },
  })
  // Registration ids, and so redirect URIs, are only known when a registration has been made.
  provider.Client.prototype.redirectUriAllowed = (uri: string) =>
    /^https?:\/\/(?:127\.0\.0\.1|localhost|kb\.test)(?::\d+)?(?:\/(?:oauth\/callback\/[\w-]+|oauth\/sign-in\/callback|callback)?)?$/.test(uri)
  addJwtBearer(provider, issuer, people, clientJwks)
  const personTokens = new Set<{ accountId: string; destroy: () => Promise<void> }>()
  for (const event of ['refresh_token.saved', 'access_token.saved']) provider.on(event, (token) => void personTokens.add(token as never))
  provider.use(async (context, next) => {
    await next()
    requests.push({
      path: context.path,
      method: context.method,
      status: context.status,
      grant: context.oidc?.params?.grant_type ?? null,
      client: context.oidc?.client?.clientId ?? null,
      refreshToken: context.oidc?.params?.refresh_token ?? null,
    })
  })
  const callback = provider.callback()
  handler = (request, response) => {
    if (request.url?.startsWith('/interaction/')) {
      handleInteraction(provider, people, options.title ?? 'Test provider', request, response).catch((error: unknown) => {
        response.writeHead(400, { 'content-type': 'text/plain' }).end(`This page has run out. ${String((error as Error).message)}`)
      })
    } else callback(request, response)
  }
  const pem = (key: KeyObject, type: 'pkcs8' | 'spki') => String(key.export({ type, format: 'pem' } as never))
  return {
    issuer,
    requests,
    clientKeys: { rs256: pem(clientRsa.privateKey, 'pkcs8'), es256: pem(clientEc.privateKey, 'pkcs8') },
    publicKeys: { rs256: pem(rsa.publicKey, 'spki'), es256: pem(ec.publicKey, 'spki') },
    hang: (value) => {
      hangs = value
      for (const response of held) response.destroy()
      held.clear()
    },
    setLifetimes: (change) => Object.assign(lifetimes, change),
    async issueRefreshToken(person, clientId) {
      const scope = 'offline_access smtp.send'
      const grant = new provider.Grant({ accountId: person, clientId })
      grant.addOIDCScope(scope)
      const client = await provider.Client.find(clientId)
      return await new provider.RefreshToken({ accountId: person, client, grantId: await grant.save(), gty: code, scope }).save()
    },
    async takeBackTokens(person) {
      for (const token of personTokens) {
        if (person !== undefined && token.accountId !== person) continue
        personTokens.delete(token)
        await token.destroy()
      }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** The library has no JWT bearer grant; client authentication, tokens and errors are its own all the same. @see RFC 7523 section 2.1 */
function addJwtBearer(provider: Provider, issuer: string, people: Record<string, string>, keys: object[]): void {
  const used = new Set<string>()
  const jwks = createLocalJWKSet({ keys })
  provider.registerGrantType(
    bearer,
    async (context) => {
      const { client, params } = context.oidc ?? {}
      if (!client || params?.assertion === undefined) throw new errors.InvalidRequest('assertion is missing')
      let claims
      try {
        claims = (
          await jwtVerify(params.assertion, jwks, {
            issuer: client.clientId,
            audience: [issuer, `${issuer}/token`],
            requiredClaims: ['iss', 'sub', 'aud', 'exp'],
          })
        ).payload
      } catch (error) {
        throw new errors.InvalidGrant((error as Error).message)
      }
      if (claims.sub === undefined || people[claims.sub] === undefined) throw new errors.InvalidGrant('unknown subject')
      if (claims.jti !== undefined && used.has(claims.jti)) throw new errors.InvalidGrant('statement already used')
      if (claims.jti !== undefined) used.add(claims.jti)
      const scope =
        (params.scope ?? '')
          .split(' ')
          .filter((one) => scopes.includes(one))
          .join(' ') || undefined
      const grant = new provider.Grant({ accountId: claims.sub, clientId: client.clientId })
      if (scope !== undefined) grant.addOIDCScope(scope)
      const token = new provider.AccessToken({ accountId: claims.sub, client, grantId: await grant.save(), gty: 'jwt_bearer', scope })
      context.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration, ...(scope === undefined ? {} : { scope }) }
    },
    ['assertion', 'scope'],
  )
}
