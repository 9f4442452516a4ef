import type { Session } from '@keybearer/client'
import { queryClient } from '../api/query-client.ts'
import { sessionKey } from '../api/session.ts'

/** Takes a new session over: what the page knew as nobody is asked for again. */
export function enterSession(session: Session): void {
  queryClient.setQueryData(sessionKey, { ...session, last_person: session.person })
  void queryClient.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' })
}
