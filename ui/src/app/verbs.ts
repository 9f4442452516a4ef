import type { Credential } from '@keybearer/client'
import { notifications } from '@mantine/notifications'
import type { useNavigate } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'

type Navigate = ReturnType<typeof useNavigate>
export type Verb = { word: string; title: string; run: (credential: Credential, navigate: Navigate) => void }

const to =
  (path: '/credentials/$credential' | '/credentials/$credential/edit' | '/credentials/$credential/connect') => (credential: Credential, navigate: Navigate) =>
    void navigate({ to: path, params: { credential: credential.id } })

const change = (what: 'pauseCredential' | 'resumeCredential', done: string) => (credential: Credential) => {
  api[what]({ params: { credential: credential.id } })
    .then(() => {
      notifications.show({ message: `“${credential.name}” ${done}.` })
      void queryClient.invalidateQueries({ queryKey: ['credentials'] })
    })
    .catch((error: Error) => notifications.show({ color: 'red', title: `“${credential.name}” could not be changed`, message: error.message }))
}

/** What quick find can do with a credential. */
export const verbs: Verb[] = [
  { word: 'open', title: 'Open', run: to('/credentials/$credential') },
  { word: 'edit', title: 'Edit', run: to('/credentials/$credential/edit') },
  { word: 'connect', title: 'Connect', run: to('/credentials/$credential/connect') },
  { word: 'reconnect', title: 'Reconnect', run: to('/credentials/$credential/connect') },
  {
    word: 'test',
    title: 'Test',
    run: (credential, navigate) => void navigate({ to: '/credentials/$credential', params: { credential: credential.id }, hash: 'test' }),
  },
  { word: 'pause', title: 'Pause', run: change('pauseCredential', 'is paused') },
  { word: 'resume', title: 'Resume', run: change('resumeCredential', 'works again') },
]

/** What quick find does with an action; everything else is done with credentials. */
export const runVerb = 'run'

/** Reads "reconnect work-mail" as a verb and the beginning of a name; null when the first word is no verb. */
export function readVerb(query: string): { verb: string; name: string } | null {
  const match = /^\s*(\p{L}+)\s+(.*)$/u.exec(query)
  const first = match?.[1]?.toLowerCase()
  const verb = first === runVerb ? runVerb : verbs.find(({ word }) => word === first)?.word
  return verb === undefined ? null : { verb, name: match![2]!.trim() }
}
