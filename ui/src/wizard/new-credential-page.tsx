import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { copyOf, emptyDraft, type Draft } from './draft.ts'
import { LookOnly } from './edit-credential-page.tsx'
import { keptDraft, NewWizard } from './new-wizard.tsx'
import { useMayManage } from './may-manage.ts'

/** A new credential: empty, as it was left, or filled from another one (?from=…). */
export function NewCredentialPage() {
  const mayManage = useMayManage()
  const from = useRouterState({ select: (state) => readFrom(state.location.search) })
  const [kept] = useState(keptDraft)
  const [anew, setAnew] = useState(0)
  const origin = useQuery({ queryKey: ['credential', from], queryFn: () => api.getCredential({ params: { credential: from! } }), enabled: from !== null })
  if (!mayManage) return <LookOnly />
  if (from !== null && origin.isPending) return <Skeleton h={360} aria-label="Loading" />
  let initial: Draft = anew === 0 && kept !== null ? kept : emptyDraft
  if (origin.data !== undefined) initial = copyOf(origin.data)
  return (
    <>
      <ProblemNotice error={origin.error} title="The credential to duplicate could not be read" />
      <NewWizard
        key={`${from}${anew}`}
        initial={initial}
        origin={origin.data ?? null}
        resumed={from === null && anew === 0 && kept !== null}
        onAnew={() => setAnew(anew + 1)}
      />
    </>
  )
}

function readFrom(search: unknown): string | null {
  const { from } = search as { from?: unknown }
  return typeof from === 'string' && from !== '' ? from : null
}
