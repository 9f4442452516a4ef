import { z } from 'zod'

const endpoint = z.string().min(1).max(2000)
const names = z.array(z.string().max(200)).max(1000)

/**
 * The members of an authorization server's metadata that are used. Unknown ones are dropped.
 *
 * @see RFC 8414 section 2 https://www.rfc-editor.org/rfc/rfc8414.html#section-2
 */
export const metadataSchema = z.object({
  issuer: endpoint,
  authorization_endpoint: endpoint.optional(),
  token_endpoint: endpoint.optional(),
  revocation_endpoint: endpoint.optional(),
  device_authorization_endpoint: endpoint.optional(),
  userinfo_endpoint: endpoint.optional(),
  jwks_uri: endpoint.optional(),
  scopes_supported: names.optional(),
  grant_types_supported: names.optional(),
  token_endpoint_auth_methods_supported: names.optional(),
  id_token_signing_alg_values_supported: names.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
})

export type AuthorizationServerMetadata = z.output<typeof metadataSchema>

/** The members that are addresses a request may go to. */
export const metadataEndpoints = [
  'authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'device_authorization_endpoint', 'userinfo_endpoint', 'jwks_uri',
] as const
