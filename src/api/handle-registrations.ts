import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { secretOf, withoutUndefined } from './views.ts'
import { registrationBody, toNewRegistration, toRegistrationChange } from './views-registrations.ts'

type Ids =
  | 'getProviderUpdate'
  | 'acceptProviderUpdate'
  | 'listRegistrations'
  | 'createRegistration'
  | 'getRegistration'
  | 'changeRegistration'
  | 'deleteRegistration'

export function registrationHandlers({ registrations }: Pick<Services, 'registrations'>): HandlersOf<Ids> {
  return {
    async listRegistrations({ query: { cursor, limit } }) {
      const page = await registrations.list({ ...(cursor ? { cursor } : {}), ...(limit === undefined ? {} : { limit }) })
      return { body: { items: page.items.map(registrationBody), next: page.next } }
    },
    async createRegistration({ body, actor }) {
      const view = await registrations.create(toNewRegistration(body), actor)
      return { body: registrationBody(view), revision: view.revision, headers: { location: `/v1/registrations/${view.id}` } }
    },
    async getRegistration({ params }) {
      const view = await registrations.get(params.registration)
      return { body: registrationBody(view), revision: view.revision }
    },
    async changeRegistration({ params, body, actor, ifRevision }) {
      const view = await registrations.change(params.registration, toRegistrationChange(body), actor, ifRevision)
      return { body: registrationBody(view), revision: view.revision }
    },
    async getProviderUpdate({ params }) {
      const { keptVersion, version, digest, differences, movesSecrets } = await registrations.compareProvider(params.registration)
      return { body: { kept_version: keptVersion, version, digest, differences, moves_secrets: movesSecrets } }
    },
    async acceptProviderUpdate({ params, body, actor }) {
      const secrets = withoutUndefined({ clientSecret: secretOf(body.client_secret), privateKey: secretOf(body.private_key) })
      const view = await registrations.acceptProvider(params.registration, body.digest, secrets, actor)
      return { body: registrationBody(view), revision: view.revision }
    },
    async deleteRegistration({ params, actor }) {
      await registrations.delete(params.registration, actor)
      return {}
    },
  }
}
