import { accessKeyEndpoints } from './contract-access-keys.ts'
import { actionTriggerEndpoints } from './contract-action-triggers.ts'
import { actionEndpoints } from './contract-actions.ts'
import { auditEndpoints } from './contract-audit.ts'
import { calendarEndpoints } from './contract-calendar.ts'
import { consentEndpoints } from './contract-consents.ts'
import { credentialFactEndpoints } from './contract-credential-facts.ts'
import { credentialEndpoints } from './contract-credentials.ts'
import { deletedCredentialEndpoints } from './contract-deleted-credentials.ts'
import { diagnosisEndpoints } from './contract-diagnoses.ts'
import { emergencyStopEndpoints } from './contract-emergency-stops.ts'
import { mailOptionsEndpoints } from './contract-mail-options.ts'
import { mailEndpoints } from './contract-mail.ts'
import { personEndpoints } from './contract-persons.ts'
import { portabilityEndpoints } from './contract-portability.ts'
import { providerEndpoints } from './contract-providers.ts'
import { registrationEndpoints } from './contract-registrations.ts'
import { requestEndpoints } from './contract-requests.ts'
import { serviceEndpoints } from './contract-service.ts'
import { oidcEndpoints } from './contract-oidc.ts'
import { passkeyEndpoints } from './contract-passkeys.ts'
import { sessionEndpoints } from './contract-sessions.ts'
import { webhookEndpoints } from './contract-webhooks.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * Every endpoint of the service. Routes, checks of input, what a reply may contain, OpenAPI, the client's types and the
 * reference page come from this table.
 */
export const contract = [
  // First, so that "counts" is not taken for the name of a credential.
  ...credentialFactEndpoints,
  ...credentialEndpoints,
  ...deletedCredentialEndpoints,
  ...emergencyStopEndpoints,
  ...portabilityEndpoints,
  ...consentEndpoints,
  ...registrationEndpoints,
  ...providerEndpoints,
  ...accessKeyEndpoints,
  ...personEndpoints,
  ...sessionEndpoints,
  ...passkeyEndpoints,
  ...oidcEndpoints,
  ...mailEndpoints,
  ...mailOptionsEndpoints,
  ...webhookEndpoints,
  ...requestEndpoints,
  ...actionEndpoints,
  ...actionTriggerEndpoints,
  ...auditEndpoints,
  ...diagnosisEndpoints,
  ...calendarEndpoints,
  ...serviceEndpoints,
] as const satisfies readonly Endpoint[]

export type EndpointId = (typeof contract)[number]['id']
export type EndpointOf<Id extends EndpointId> = Extract<(typeof contract)[number], { id: Id }>

const byId = new Map<string, Endpoint>(contract.map((row) => [row.id, row]))

export function findEndpoint<Id extends EndpointId>(id: Id): EndpointOf<Id> {
  return byId.get(id) as EndpointOf<Id>
}
