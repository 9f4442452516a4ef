import type { Action } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { api, etag } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { tell } from '../elements/tell.ts'

/** Pauses an action, or switches it on again. */
export const usePausing = () =>
  useMutation({
    mutationFn: (action: Action) => api.changeAction({ params: { action: action.id }, body: { paused: !action.paused }, ifMatch: etag(action.revision) }),
    onSuccess: (action) => {
      tell(action.paused ? `“${action.name}” is paused: nobody can run it.` : `“${action.name}” can be run again.`)
      void queryClient.invalidateQueries({ queryKey: ['actions'] })
    },
  })
