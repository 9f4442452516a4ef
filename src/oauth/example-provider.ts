import { parseProvider } from '../providers/catalogue.ts'
import { resolveProvider, type ResolvedProvider } from '../providers/provider-resolve.ts'
import type { ProviderInput } from '../providers/provider-schema.ts'

/** Makes a provider for tests: all grants, all endpoints, nothing unusual but what the test says. */
export function exampleProvider(change: Partial<ProviderInput> = {}): ResolvedProvider {
  const description: ProviderInput = {
    id: 'example',
    version: 1,
    name: 'Example',
    issuer: 'https://as.example',
    authorization_endpoint: 'https://as.example/authorize',
    token_endpoint: 'https://as.example/token',
    revocation_endpoint: 'https://as.example/revoke',
    device_authorization_endpoint: 'https://as.example/device',
    jwks_uri: 'https://as.example/jwks',
    grants: ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer'],
    client_auth: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    ...change,
  }
  return resolveProvider(parseProvider(description, 'the test'), {})
}
