import { Button, Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useRouterState } from '@tanstack/react-router'
import { api, isNotFound } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { ActionForm } from './action-form.tsx'
import { valuesOf } from './action-values.ts'
import { ManagersOnly } from './managers-only.tsx'

const oneAction = (ref: string) => ({ queryKey: ['actions', 'one', ref], queryFn: () => api.getAction({ params: { action: ref } }) })

/** Makes an action: of one kind or the other, or like another one. */
export function NewActionPage() {
  const search = useRouterState({ select: (state) => state.location.search as Record<string, unknown> })
  const copied = typeof search.copy === 'string' ? search.copy : null
  const kind = search.kind === 'http_request' ? 'http_request' : 'send_email'
  const original = useQuery({ ...oneAction(copied ?? ''), enabled: copied !== null })
  if (!useMay('manager')) return <ManagersOnly title="New action" />
  const values = valuesOf(original.data ?? null)
  return (
    <>
      <PageHead title="New action">A mail or a request, saved under a name. Whoever may run it needs no right on what it uses.</PageHead>
      <ProblemNotice error={original.error} />
      {copied !== null && original.data === undefined ? (
        original.error === null && <Skeleton h={420} />
      ) : (
        <ActionForm
          key={`${copied ?? ''} ${kind}`}
          action={null}
          initial={original.data === undefined ? { ...values, kind } : { ...values, name: `${original.data.name} copy` }}
        />
      )}
    </>
  )
}

export function EditActionPage() {
  const { action: ref } = useParams({ from: '/inside/actions/$action/edit' })
  const found = useQuery(oneAction(ref))
  if (!useMay('manager')) return <ManagersOnly title="Edit an action" />
  const action = found.data
  return (
    <>
      <PageHead title={action === undefined ? (isNotFound(found.error) ? 'There is no such action' : 'Edit an action') : `Edit “${action.name}”`} />
      {action === undefined ? (
        found.isError ? (
          <Stack>
            <ProblemNotice error={found.error} />
            <Button component={Link} to="/actions" variant="default" w="fit-content">
              To the actions
            </Button>
          </Stack>
        ) : (
          <Skeleton h={420} />
        )
      ) : (
        <ActionForm key={action.id} action={action} initial={valuesOf(action)} />
      )}
    </>
  )
}
