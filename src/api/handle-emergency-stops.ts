import { Problem } from '../base/problem.ts'
import type { EmergencyStop } from '../credentials/emergency-stops.ts'
import type { CredentialMatch } from '../credentials/types.ts'
import type { HandlersOf } from './call.ts'
import type { EndpointOf } from './contract.ts'
import type { Body } from './endpoint.ts'
import { toMatch } from './handle-credential-facts.ts'
import type { Services } from './services.ts'
import { iso, isoOrNull, withoutUndefined, type Reply } from './views.ts'

type Ids = 'beginEmergencyStop' | 'listEmergencyStops' | 'getEmergencyStop' | 'listStoppedCredentials' | 'undoEmergencyStop'
type Match = Body<EndpointOf<'beginEmergencyStop'>>['match']

export function emergencyStopHandlers({ emergencyStops }: Pick<Services, 'emergencyStops'>): HandlersOf<Ids> {
  return {
    async beginEmergencyStop({ body, actor, caller }) {
      if (Object.keys(body.match).length === 0 && body.everything !== true) {
        throw new Problem('invalid_request', 'The match names nothing, so that every credential would be stopped.', {
          errors: [{ path: 'match', message: 'must name something, or everything must be true' }],
          nextStep: 'Name what is to be stopped, or say that it is everything.',
        })
      }
      const { status, ...criteria } = body.match
      const match = { ...toMatch(criteria, caller), ...(status && { status }) }
      const stop = await emergencyStops.begin({ match, revoke: body.revoke, reason: body.reason ?? '' }, actor)
      return { body: stopBody(stop), headers: { location: `/v1/emergency-stops/${stop.id}` } }
    },
    async listEmergencyStops() {
      return { body: { items: (await emergencyStops.list()).map(stopBody), next: null } }
    },
    async getEmergencyStop({ params }) {
      return { body: stopBody(await emergencyStops.get(params.stop)) }
    },
    async listStoppedCredentials({ params, query }) {
      const found = await emergencyStops.stopped(params.stop, withoutUndefined({ states: query.state, cursor: query.cursor, limit: query.limit }))
      return {
        body: {
          items: found.items.map(({ credential, state, message, updatedAt }) => ({ credential, state, message, updated_at: iso(updatedAt) })),
          next: found.next,
        },
      }
    },
    async undoEmergencyStop({ params, actor }) {
      return { body: { resumed: await emergencyStops.undo(params.stop, actor) } }
    },
  }
}

function writeMatch(match: CredentialMatch): Match {
  const { search, status, kind, provider, registration, tag, account, usedBy, createdBefore, unusedSince } = match
  const time = (at: number | undefined) => (at === undefined ? undefined : iso(at))
  const texts = { search, status, kind, provider, registration, tag, account, used_by: usedBy }
  return withoutUndefined({ ...texts, created_before: time(createdBefore), unused_since: time(unusedSince) })
}

const stopBody = (stop: EmergencyStop): Reply<'getEmergencyStop'> => ({
  id: stop.id,
  match: writeMatch(stop.match),
  revoke: stop.revoke,
  reason: stop.reason,
  created_by: stop.by,
  created_at: iso(stop.createdAt),
  undone_at: isoOrNull(stop.undoneAt),
  total: stop.total,
  counts: stop.counts,
  done: stop.isDone,
})
