import { Secret } from '../base/secret.ts'
import type { HandlersOf } from './call.ts'
import { lastHeard, streamEvents } from './event-stream.ts'
import type { Services } from './services.ts'
import { auditBody } from './views-service.ts'

type Ids = 'listAudit' | 'findTokenInAudit' | 'verifyAudit' | 'streamEvents'

export function auditHandlers(services: Services): HandlersOf<Ids> {
  const { audit } = services
  return {
    async listAudit({ query, actor }) {
      const { subject, actor: by, action, outcome, from, to, cursor, limit } = query
      // Whoever looks is himself in the trail.
      await audit.record({ actor, action: 'audit.read', outcome: 'done', detail: { filter: Object.keys(query) } })
      const page = await audit.list({
        ...(subject ? { subject } : {}),
        ...(by ? { actor: by } : {}),
        ...(action ? { action } : {}),
        ...(outcome ? { outcome } : {}),
        ...(from ? { from: Date.parse(from) } : {}),
        ...(to ? { to: Date.parse(to) } : {}),
        ...(cursor ? { cursor } : {}),
        ...(limit === undefined ? {} : { limit }),
      })
      return { body: { items: page.items.map(auditBody), next: page.next } }
    },
    async findTokenInAudit({ body: { token, cursor, limit }, actor }) {
      await audit.record({ actor, action: 'audit.read', outcome: 'done', detail: { filter: ['token'] } })
      const page = await audit.list({ mark: audit.mark(new Secret(token)), ...(cursor ? { cursor } : {}), ...(limit === undefined ? {} : { limit }) })
      return { body: { items: page.items.map(auditBody), next: page.next } }
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
