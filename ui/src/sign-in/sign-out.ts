import { api } from '../api/client.ts'
import { stopLive } from '../api/live.ts'
import { queryClient } from '../api/query-client.ts'
import { forgetPerson } from '../api/session.ts'

/** Ends the session at the service first; then nothing of it stays in the page. */
export async function signOut(): Promise<void> {
  await api.signOut().catch(() => undefined)
  forgetPerson()
  stopLive()
  queryClient.clear()
  window.location.assign('/')
}
