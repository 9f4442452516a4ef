import { Button, Text } from '@mantine/core'
import type { Consent } from '@keybearer/client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { Notice } from '../elements/notice.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'

/** Says that a link waits for somebody, who made it and until when, and ends it. Nothing where none waits. */
export function WaitingLink({ credential }: { credential: string }) {
  const waiting = useQuery({ queryKey: ['consents', credential], queryFn: () => api.listConsents({ params: { credential } }) })
  const link = waiting.data?.items.find((consent) => consent.mode === 'link')
  if (link === undefined) return null
  return (
    <Notice color="blue" title="A link to connect it waits">
      <Text size="sm" mb="sm">
        <bdi>{link.started_by}</bdi> made it <RelativeTime at={link.created_at} />, to be followed by whoever has the account. It ends{' '}
        <RelativeTime at={link.expires_at} />.
      </Text>
      <WithdrawButton consent={link} />
    </Notice>
  )
}

/** Ends a link that was sent to the wrong person, or is needed no more. */
export function WithdrawButton({ consent }: { consent: Consent }) {
  const queries = useQueryClient()
  const withdraw = useMutation({
    mutationFn: () => api.withdrawConsent({ params: { consent: consent.id } }),
    onSuccess: () => tell('The link is withdrawn. It opens nothing any more.'),
    // Also when it came too late: what became of it then shows.
    onSettled: () => {
      for (const key of ['consents', 'consent', 'credential-use']) void queries.invalidateQueries({ queryKey: [key] })
    },
  })
  return (
    <>
      <ProblemNotice error={withdraw.error} />
      <Button size="xs" variant="default" loading={withdraw.isPending} onClick={() => withdraw.mutate()}>
        Withdraw the link
      </Button>
    </>
  )
}
