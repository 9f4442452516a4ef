import type { DeletedCredential } from '../credentials/deleted-credentials.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { credentialBody } from './views-credentials.ts'
import { iso, withoutUndefined, type Reply } from './views.ts'

type Ids = 'listDeletedCredentials' | 'restoreCredential' | 'purgeCredential'

export function deletedCredentialHandlers({ credentials, deletedCredentials }: Pick<Services, 'credentials' | 'deletedCredentials'>): HandlersOf<Ids> {
  return {
    async listDeletedCredentials({ query }) {
      const { items, next } = await deletedCredentials.list(withoutUndefined({ cursor: query.cursor, limit: query.limit }))
      return { body: { items: items.map(deletedBody), next, days: deletedCredentials.days } }
    },
    async restoreCredential({ params, body, actor }) {
      const view = await credentials.get(await deletedCredentials.restore(params.credential, { name: body.name }, actor))
      return { body: credentialBody(view), revision: view.revision, headers: { location: `/v1/credentials/${view.id}` } }
    },
    async purgeCredential({ params, actor }) {
      await deletedCredentials.purge(params.credential, actor)
      return {}
    },
  }
}

const deletedBody = (one: DeletedCredential): Reply<'listDeletedCredentials'>['items'][number] => ({
  id: one.id,
  name: one.name,
  kind: one.kind,
  grant: one.grant,
  username: one.username,
  registration: one.registration,
  has_secret: one.hasSecret,
  deleted_at: iso(one.deletedAt),
  deleted_by: one.deletedBy,
  restorable_until: iso(one.restorableUntil),
})
