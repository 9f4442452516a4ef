import { Button, Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { api, isNotFound } from '../api/client.ts'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { EditWizard } from './edit-wizard.tsx'
import { useMayManage } from './may-manage.ts'

/** Loads a credential with its registration and provider, and opens the wizard where it goes on. */
export function EditCredentialPage() {
  const { credential: ref } = useParams({ from: '/inside/credentials/$credential/edit' })
  const mayManage = useMayManage()
  const found = useQuery({ queryKey: ['credential', ref], queryFn: () => api.getCredential({ params: { credential: ref } }) })
  const credential = found.data
  const registrationId = credential?.registration?.id ?? ''
  const registration = useQuery({
    queryKey: ['registration', registrationId],
    queryFn: () => api.getRegistration({ params: { registration: registrationId } }),
    enabled: registrationId !== '',
  })
  const providerId = credential?.provider?.id ?? ''
  const provider = useQuery({
    queryKey: ['provider', providerId],
    queryFn: async () => (await api.getProvider({ params: { provider: providerId } })).description,
    enabled: providerId !== '',
  })
  const error = found.error ?? registration.error
  if (credential === undefined || (error !== null && registration.data === undefined && registrationId !== '')) {
    if (error === null) return <Skeleton h={360} aria-label="Loading" />
    return (
      <Stack>
        <PageHead title={isNotFound(error) ? 'There is no such credential' : 'Edit'} />
        <ProblemNotice error={error} />
        <Button component={Link} to="/credentials" variant="default" w="fit-content">
          To the credentials
        </Button>
      </Stack>
    )
  }
  if (!mayManage) return <LookOnly />
  if ((registrationId !== '' && registration.data === undefined) || (providerId !== '' && provider.isPending)) return <Skeleton h={360} aria-label="Loading" />
  return <EditWizard key={credential.id} live={credential} registration={registration.data ?? null} provider={provider.data ?? null} />
}

/** What a viewer sees where others change things. */
export function LookOnly() {
  return (
    <PageHead title="You may look, but not change">
      Managers and administrators make and change credentials. Ask one of them, or an administrator for the role.
    </PageHead>
  )
}
