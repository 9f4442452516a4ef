import type { NewRegistration, RegistrationChange, RegistrationView } from '../credentials/types.ts'
import type { EndpointOf } from './contract.ts'
import type { Body } from './endpoint.ts'
import { iso, isoOrNull, secretOf, withoutUndefined, type Reply } from './views.ts'

export function toNewRegistration(body: Body<EndpointOf<'createRegistration'>>): NewRegistration {
  return {
    ...toRegistrationChange(body),
    name: body.name,
    provider: body.provider,
    clientId: body.client_id,
    ...(body.popular === undefined ? {} : { popular: body.popular }),
  }
}

export function toRegistrationChange(body: Body<EndpointOf<'changeRegistration'>>): RegistrationChange {
  return withoutUndefined({
    name: body.name,
    placeholders: body.placeholders,
    clientId: body.client_id,
    clientAuth: body.client_auth,
    clientSecret: secretOf(body.client_secret),
    privateKey: secretOf(body.private_key),
    privateKeyId: body.private_key_id,
    certificate: body.certificate,
    secretExpiresAt: body.secret_expires_at === undefined ? undefined : Date.parse(body.secret_expires_at),
  })
}

export function registrationBody(view: RegistrationView): Reply<'getRegistration'> {
  return {
    id: view.id,
    name: view.name,
    provider: view.provider,
    placeholders: view.placeholders,
    client_id: view.clientId,
    client_auth: view.clientAuth,
    has_client_secret: view.hasClientSecret,
    has_private_key: view.hasPrivateKey,
    private_key_id: view.privateKeyId,
    certificate: view.certificate && { thumbprint: view.certificate.thumbprint, expires_at: iso(view.certificate.expiresAt) },
    secret_expires_at: isoOrNull(view.secretExpiresAt),
    redirect_uri: view.redirectUri,
    own_redirect: view.ownRedirect,
    credentials: view.credentials,
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}
