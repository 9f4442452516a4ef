import type { Handlers } from './call.ts'
import { accessKeyHandlers } from './handle-access-keys.ts'
import { actionTriggerHandlers } from './handle-action-triggers.ts'
import { actionHandlers } from './handle-actions.ts'
import { auditHandlers } from './handle-audit.ts'
import { calendarHandlers } from './handle-calendar.ts'
import { consentHandlers } from './handle-consents.ts'
import { credentialFactHandlers } from './handle-credential-facts.ts'
import { credentialHandlers } from './handle-credentials.ts'
import { deletedCredentialHandlers } from './handle-deleted-credentials.ts'
import { diagnosisHandlers } from './handle-diagnoses.ts'
import { emergencyStopHandlers } from './handle-emergency-stops.ts'
import { mailOptionsHandlers } from './handle-mail-options.ts'
import { mailHandlers } from './handle-mail.ts'
import { oidcHandlers } from './handle-oidc.ts'
import { passkeyHandlers } from './handle-passkeys.ts'
import { personHandlers } from './handle-persons.ts'
import { portabilityHandlers } from './handle-portability.ts'
import { providerHandlers } from './handle-providers.ts'
import { registrationHandlers } from './handle-registrations.ts'
import { requestHandlers } from './handle-requests.ts'
import { serviceHandlers } from './handle-service.ts'
import { webhookHandlers } from './handle-webhooks.ts'
import { sessionHandlers } from './handle-sessions.ts'
import type { Refusals } from '../access/refusals.ts'
import type { ReachOptions, Services } from './services.ts'
import { sessionAnswers } from './session-answers.ts'
import type { SessionCookie } from './session-cookie.ts'

/** Makes the handler of every endpoint; one that is missing does not compile. */
export function makeHandlers(services: Services, refusals: Refusals, options: Pick<ReachOptions, 'metrics'>, cookie: SessionCookie): Handlers {
  const answers = sessionAnswers(services, refusals, cookie)
  return {
    ...credentialHandlers(services),
    ...credentialFactHandlers(services),
    ...deletedCredentialHandlers(services),
    ...emergencyStopHandlers(services),
    ...portabilityHandlers(services),
    ...consentHandlers(services, refusals),
    ...registrationHandlers(services),
    ...providerHandlers(services),
    ...accessKeyHandlers(services, refusals),
    ...personHandlers(services),
    ...sessionHandlers(services, answers, cookie),
    ...passkeyHandlers(services, answers),
    ...oidcHandlers(services, answers),
    ...mailHandlers(services),
    ...mailOptionsHandlers(services),
    ...webhookHandlers(services),
    ...requestHandlers(services),
    ...actionHandlers(services),
    ...actionTriggerHandlers(services),
    ...auditHandlers(services),
    ...diagnosisHandlers(services),
    ...calendarHandlers(services),
    ...serviceHandlers(services, options.metrics),
  }
}
