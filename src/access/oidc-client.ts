import type { AuthorizationServer, ClientAuth, CustomFetchOptions } from 'oauth4webapi'
import type { Clock } from '../base/clock.ts'
import type { OutgoingHttp } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'

/** How persons sign in at an OpenID provider, as the settings say. */
export type OidcSettings = {
  issuer: string
  clientId: string
  /** Null: the client has none and proves nothing but PKCE. */
  clientSecret: Secret | null
  /** The claim that names the person here. */
  claim: string
  title: string
}

/** What binds an answer to the browser that asked. */
export type Expected = { state: string; nonce: string; verifier: string }

/** What the provider says of whoever signed in there. */
export type Claims = {
  subject: string
  name: string | null
  /** Whether the provider made sure of the address, where the name is one. */ verified: boolean
  signedInAt: number | null
}

const metadataLife = 60 * 60_000

// Without this kind of sign-in nothing of it is loaded.
const library = () => import('oauth4webapi')

/**
 * The client of an OpenID provider: authorization code with PKCE, state and nonce, and every check of the ID token.
 *
 * @see OpenID Connect Core section 3.1 https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
 */
export class OidcClient {
  readonly settings: OidcSettings
  readonly #http: OutgoingHttp
  readonly #clock: Clock
  readonly #redirectUri: string
  #metadata: { server: AuthorizationServer; until: number } | null = null

  constructor(settings: OidcSettings, options: { http: OutgoingHttp; clock: Clock; publicUrl: string }) {
    this.settings = settings
    this.#http = options.http
    this.#clock = options.clock
    this.#redirectUri = `${options.publicUrl}/oauth/sign-in/callback`
  }

  /** Returns where the browser goes. `again`: the provider must ask anew who is there. @throws Problem sign_in_failed */
  async address(expected: Expected, options: { again: boolean }): Promise<string> {
    const { calculatePKCECodeChallenge } = await library()
    const { authorization_endpoint } = await this.#server()
    if (authorization_endpoint === undefined) throw new Problem('sign_in_failed', 'The provider names no address to sign in at.')
    const { claim, clientId } = this.settings
    const url = new URL(authorization_endpoint)
    const scope = claim === 'sub' ? 'openid' : claim === 'email' ? 'openid email' : 'openid profile email'
    const query = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: this.#redirectUri,
      scope,
      state: expected.state,
      nonce: expected.nonce,
      code_challenge: await calculatePKCECodeChallenge(expected.verifier),
      code_challenge_method: 'S256',
      ...(options.again ? { prompt: 'login', max_age: '0' } : {}),
    }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return url.href
  }

  /** Trades the code of an answer and returns what the provider says of the person. @throws Problem sign_in_failed, sign_in_refused */
  async claimsOf(answer: URLSearchParams, expected: Expected): Promise<Claims> {
    const oauth = await library()
    const server = await this.#server()
    const client = { client_id: this.settings.clientId }
    try {
      const checked = oauth.validateAuthResponse(server, client, answer, expected.state)
      const options = await this.#options()
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        await this.#authentication(server),
        checked,
        this.#redirectUri,
        expected.verifier,
        options,
      )
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: expected.nonce, requireIdToken: true })
      await oauth.validateApplicationLevelSignature(server, response, options)
      const idToken = oauth.getValidatedIdTokenClaims(tokens)!
      const { claim } = this.settings
      let claims: Record<string, unknown> = idToken
      if (claims[claim] === undefined && server.userinfo_endpoint !== undefined) {
        const told = await oauth.userInfoRequest(server, client, tokens.access_token, options)
        claims = { ...(await oauth.processUserInfoResponse(server, client, idToken.sub, told)) }
      }
      const name = claims[claim]
      return {
        subject: `${this.settings.issuer} ${idToken.sub}`,
        name: typeof name === 'string' && name !== '' ? name : null,
        verified: claim !== 'email' || claims.email_verified === true,
        signedInAt: typeof idToken.auth_time === 'number' ? idToken.auth_time * 1000 : null,
      }
    } catch (error) {
      if (error instanceof oauth.AuthorizationResponseError) {
        throw new Problem('sign_in_refused', 'The provider did not let the person in.', {
          cause: error,
          nextStep: 'Try again, and agree to the sign-in there.',
        })
      }
      throw failed(error)
    }
  }

  async #server(): Promise<AuthorizationServer> {
    const now = this.#clock.now()
    if (this.#metadata !== null && now < this.#metadata.until) return this.#metadata.server
    const { discoveryRequest, processDiscoveryResponse } = await library()
    try {
      const issuer = new URL(this.settings.issuer)
      const server = await processDiscoveryResponse(issuer, await discoveryRequest(issuer, await this.#options()))
      this.#metadata = { server, until: now + metadataLife }
      return server
    } catch (error) {
      throw failed(error)
    }
  }

  async #authentication(server: AuthorizationServer): Promise<ClientAuth> {
    const { ClientSecretBasic, ClientSecretPost, None } = await library()
    const secret = this.settings.clientSecret?.reveal()
    if (secret === undefined) return None()
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return methods.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret)
  }

  /** Everything leaves by the one way out, which decides about addresses, plain http, time and size. */
  async #options() {
    const { allowInsecureRequests, customFetch } = await library()
    const send = async (url: string, { method, headers, body }: CustomFetchOptions<string, unknown>): Promise<Response> => {
      const text = body instanceof URLSearchParams ? body.toString() : undefined
      const reply = await this.#http({ method: method as 'GET' | 'POST', url, headers, ...(text === undefined ? {} : { body: text }), timeout: 15_000 })
      return new Response(reply.body.length === 0 ? null : Buffer.from(reply.body), { status: reply.status, headers: reply.headers })
    }
    return { [customFetch]: send, [allowInsecureRequests]: true }
  }
}

const failed = (error: unknown): Problem =>
  isProblem(error, 'sign_in_failed') ? error : new Problem('sign_in_failed', 'What the provider of the sign-in answers does not hold.', { cause: error })
