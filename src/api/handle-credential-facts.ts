import type { Caller } from '../access/caller.ts'
import type { CredentialMatch } from '../credentials/types.ts'
import type { HandlersOf } from './call.ts'
import type { EndpointOf } from './contract.ts'
import type { Query } from './endpoint.ts'
import type { Services } from './services.ts'
import { iso, withoutUndefined } from './views.ts'

type Ids = 'countCredentials' | 'listCredentialHistory' | 'listCredentialUsageDays'

export function credentialFactHandlers({ credentials, audit }: Pick<Services, 'credentials' | 'audit'>): HandlersOf<Ids> {
  return {
    async countCredentials({ query, caller }) {
      const counts = await credentials.counts(toMatch(query, caller))
      return { body: { by_status: counts.byStatus, by_kind: counts.byKind, total: counts.total } }
    },
    async listCredentialHistory({ credentialId, query }) {
      const page = await audit.list({ subject: credentialId, ...withoutUndefined({ cursor: query.cursor, limit: query.limit }) })
      return {
        body: {
          items: page.items.map(({ seq, at, action, outcome, reason, actor, detail }) => ({ seq, at: iso(at), action, outcome, reason, actor, detail })),
          next: page.next,
        },
      }
    },
    async listCredentialUsageDays({ credentialId, query }) {
      return { body: { items: await credentials.usageDays(credentialId, query.days ?? 30), next: null } }
    },
  }
}

/** Takes criteria over, of a list or of an emergency stop; what the key may not read is not there for it. */
export function toMatch(query: Query<EndpointOf<'countCredentials'>>, caller: Caller): CredentialMatch {
  const { search, kind, provider, registration, tag, attention, account, used_by: usedBy } = query
  const createdBefore = query.created_before === undefined ? undefined : Date.parse(query.created_before)
  const unusedSince = query.unused_since === undefined ? undefined : Date.parse(query.unused_since)
  return withoutUndefined({ search, kind, provider, registration, tag, attention, account, usedBy, createdBefore, unusedSince, visible: caller.visible() })
}
