import type { AuditView } from '../access/audit.ts'
import { Secret } from '../base/secret.ts'
import type { HandlersOf } from './call.ts'
import type { EndpointOf } from './contract.ts'
import type { Query } from './endpoint.ts'
import { lastHeard, streamEvents } from './event-stream.ts'
import type { Services } from './services.ts'
import { auditBody } from './views-service.ts'
import { withoutUndefined } from './views.ts'

type Ids = 'listAudit' | 'findTokenInAudit' | 'exportAudit' | 'verifyAudit' | 'streamEvents'

export function auditHandlers(services: Services): HandlersOf<Ids> {
  const { audit } = services
  return {
    async listAudit({ query, actor }) {
      const { cursor, limit, ...filter } = query
      // Whoever looks is himself in the trail.
      await audit.record({ actor, action: 'audit.read', outcome: 'done', detail: { filter: Object.keys(query) } })
      const page = await audit.list({ ...toFilter(filter), ...withoutUndefined({ cursor, limit }) })
      return { body: { items: page.items.map(auditBody), next: page.next } }
    },
    async findTokenInAudit({ body: { token, cursor, limit }, actor }) {
      await audit.record({ actor, action: 'audit.read', outcome: 'done', detail: { filter: ['token'] } })
      const page = await audit.list({ mark: audit.mark(new Secret(token)), ...(cursor ? { cursor } : {}), ...(limit === undefined ? {} : { limit }) })
      return { body: { items: page.items.map(auditBody), next: page.next } }
    },
    async exportAudit({ query, actor }) {
      await audit.record({ actor, action: 'audit.exported', outcome: 'done', detail: { filter: Object.keys(query) } })
      return { lines: bodies(audit.all(toFilter(query))), headers: { 'content-disposition': 'attachment; filename="keybearer-audit.jsonl"' } }
    },
    async verifyAudit({ actor }) {
      const found = await audit.verify()
      await audit.record({
        actor,
        action: 'audit.verified',
        outcome: found.ok ? 'done' : 'failed',
        detail: found.ok ? { records: found.records } : { first_bad: found.firstBad },
      })
      return {
        body: found.ok
          ? { ok: true, records: found.records, head: found.head, first_bad: null, what: null }
          : { ok: false, records: found.records, head: null, first_bad: found.firstBad, what: found.what },
      }
    },
    async streamEvents(call) {
      const after = lastHeard(call)
      return { stream: (sink) => streamEvents(services, call, after, sink) }
    },
  }
}

function toFilter({ subject, actor, action, outcome, from, to }: Query<EndpointOf<'exportAudit'>>) {
  return withoutUndefined({ subject, actor, action, outcome, from: from && Date.parse(from), to: to && Date.parse(to) }) as Partial<{
    subject: string
    actor: string
    action: string
    outcome: string
    from: number
    to: number
  }>
}

async function* bodies(records: AsyncIterable<AuditView>): AsyncGenerator<ReturnType<typeof auditBody>> {
  for await (const record of records) yield auditBody(record)
}
