import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { codeParameters, sentBack, type CallbackFacts } from '../oauth/authorization-code.ts'
import { authenticatedRequest, type ClientCredentials } from '../oauth/client-authentication.ts'
import { clientCredentialsParameters, deviceTokenParameters, jwtBearerParameters, refreshParameters } from '../oauth/grants.ts'
import { atTokenHost, type Call } from '../oauth/request-shape.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import type { RegistrationSecrets } from './registration-secrets.ts'
import type { Material, TokenSource } from './token-request.ts'
import type { CredentialOptions } from './types.ts'

const optionsOf = (row: Pick<Row<'credentials'>, 'options'>) => JSON.parse(row.options) as CredentialOptions
const scopesOf = (row: Pick<Row<'credentials'>, 'scopes'>) => JSON.parse(row.scopes) as string[]

/** Returns how a registration authenticates, with one of its secrets. */
export function clientOf(registration: RegistrationRow, secrets: RegistrationSecrets, secret: Secret | null): ClientCredentials {
  return {
    clientId: registration.client_id,
    method: registration.client_auth as ClientCredentials['method'],
    clientSecret: secret,
    privateKey: secrets.privateKey,
    privateKeyId: registration.private_key_id,
    certificate: registration.certificate,
  }
}

const withResources = (parameters: Record<string, string>, options: CredentialOptions): Record<string, string> => {
  if (options.resource === undefined || options.resource.length === 0) return parameters
  if (options.resource.length > 1) throw new Problem('misconfigured', 'A token request can name one resource only.')
  return { ...parameters, resource: options.resource[0]! }
}

async function post(material: Material, endpoint: string, secret: Secret | null, parameters: Record<string, string>, now: number, call: Call = 'token') {
  return await authenticatedRequest(material.provider, endpoint, clientOf(material.registration, material.secrets, secret), parameters, now, call)
}

/** The ways to get tokens. */
export const tokenSources = {
  refresh(row: Row<'credentials'>): TokenSource {
    const options = optionsOf(row)
    return {
      grantType: 'refresh_token',
      scope: scopesOf(row),
      async request(material, secret, now) {
        const refreshToken = material.stored?.refreshToken
        if (!refreshToken) throw new Problem('needs_consent', 'There is no refresh token.')
        const { provider, redirectUri } = material
        const kept = material.stored?.extra ?? {}
        const repeated = {
          ...(provider.data.repeat_on_refresh.includes('redirect_uri') ? { redirect_uri: redirectUri } : {}),
          ...(provider.data.repeat_on_refresh.includes('scope') ? { scope: scopesOf(row).join(provider.data.scope_separator) } : {}),
          ...sentBack(provider, kept),
        }
        const parameters = withResources(refreshParameters(provider, refreshToken, { ...repeated, ...options.tokenParameters }), options)
        return await post(material, atTokenHost(provider, provider.refreshEndpoint, kept.token_host), secret, parameters, now, 'refresh')
      },
    }
  },

  clientCredentials(row: Row<'credentials'>): TokenSource {
    const options = optionsOf(row)
    const scope = scopesOf(row)
    return {
      grantType: 'client_credentials',
      scope,
      async request(material, secret, now) {
        if (options.variant === 'microsoft_compatible') checkDefaultScope(scope)
        const parameters = withResources(
          clientCredentialsParameters(material.provider, { scope, audience: options.audience, parameters: options.tokenParameters }),
          options,
        )
        return await post(material, material.provider.tokenEndpoint, secret, parameters, now)
      },
    }
  },

  jwtBearer(row: Row<'credentials'>): TokenSource {
    const options = optionsOf(row)
    const scope = scopesOf(row)
    return {
      grantType: 'jwt_bearer',
      scope,
      async request(material, secret, now) {
        const { privateKey } = material.secrets
        if (privateKey === null)
          throw new Problem('misconfigured', 'The registration has no private key to sign with.', { nextStep: 'Enter the private key in the registration.' })
        const parameters = withResources(
          await jwtBearerParameters(material.provider, {
            issuer: material.registration.client_id,
            actFor: options.actFor ?? null,
            scope,
            privateKey,
            privateKeyId: material.registration.private_key_id,
            audience: options.audience,
            variant: options.variant ?? 'standard',
            parameters: options.tokenParameters,
            now,
          }),
          options,
        )
        // A service account of Google proves itself by the statement alone.
        if (options.variant === 'google_compatible') {
          return {
            method: 'POST',
            url: material.provider.tokenEndpoint,
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams(parameters).toString(),
          }
        }
        return await post(material, material.provider.tokenEndpoint, secret, parameters, now)
      },
    }
  },

  code(row: Row<'credentials'>, answer: { code: Secret; codeVerifier: Secret; redirectUri: string; facts: CallbackFacts }): TokenSource {
    const options = optionsOf(row)
    return {
      grantType: 'authorization_code',
      scope: scopesOf(row),
      callback: answer.facts,
      async request(material, secret, now) {
        const { provider } = material
        const parameters = { ...options.tokenParameters, ...codeParameters(provider, answer) }
        const endpoint = atTokenHost(provider, provider.tokenEndpoint, answer.facts.tokenHost ?? undefined)
        return await post(material, endpoint, secret, withResources(parameters, options), now)
      },
    }
  },

  device(row: Row<'credentials'>, deviceCode: Secret): TokenSource {
    return {
      grantType: 'device_code',
      scope: scopesOf(row),
      async request(material, secret, now) {
        return await post(material, material.provider.tokenEndpoint, secret, deviceTokenParameters(material.provider, deviceCode), now, 'poll')
      },
    }
  },
}

function checkDefaultScope(scope: string[]): void {
  if (scope.length === 1 && scope[0]!.endsWith('/.default')) return
  throw new Problem('misconfigured', 'The Microsoft-compatible variant takes exactly one scope that ends in /.default.', {
    nextStep: 'For mail use https://outlook.office365.com/.default, for Graph https://graph.microsoft.com/.default.',
  })
}

/** Returns what a credential adds to the address where a person consents. */
export function authorizeParameters(row: Pick<Row<'credentials'>, 'options' | 'username'>): {
  resource: string[] | undefined
  loginHint: string | undefined
  parameters: Record<string, string>
} {
  const options = optionsOf(row)
  return {
    resource: options.resource,
    loginHint: options.loginHint ?? row.username ?? undefined,
    parameters: { ...options.authorizeParameters, ...(options.audience === undefined ? {} : { audience: options.audience }) },
  }
}
