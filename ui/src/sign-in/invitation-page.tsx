import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { useLinkCode } from './link-code.ts'
import { NewPersonForm } from './new-person-form.tsx'

/** A person who was invited, or who forgot the password, chooses a new one. */
export function InvitationPage() {
  useDocumentTitle('Invitation – Keybearer')
  const code = useLinkCode()
  const invitation = useQuery({
    queryKey: ['invitation'],
    queryFn: () => api.openInvitation({ body: { code } }),
    enabled: code !== '',
    retry: false,
    staleTime: Infinity,
  })
  return (
    <Paper withBorder p="xl">
      <Stack>
        <Title order={1}>Your sign-in to Keybearer</Title>
        {invitation.isPending && code !== '' && <Skeleton h={180} />}
        <ProblemNotice error={invitation.error} />
        {invitation.data !== undefined && (
          <Text>
            {invitation.data.invited_by} invited you as <b>{invitation.data.role}</b>. This link ends <RelativeTime at={invitation.data.expires_at} />.
          </Text>
        )}
        {(invitation.data !== undefined || code === '') && (
          <NewPersonForm
            button="Sign in"
            missingCode={code === ''}
            suggestedName={invitation.data?.name ?? ''}
            onSubmit={(name, password) => api.acceptInvitation({ body: { code, name, password } })}
          />
        )}
      </Stack>
    </Paper>
  )
}
