import { Anchor, Button, Grid, Group, List, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { Registration } from '@keybearer/client'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { api, isNotFound } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { StatusMark } from '../credentials/status-mark.tsx'
import { CopyField } from '../elements/copy-field.tsx'
import { Facts } from '../elements/facts.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { tell } from '../elements/tell.ts'
import { EditRegistration } from './edit-registration.tsx'
import { ProviderUpdateNotice } from './provider-update.tsx'
import { clientAuthWords, SecretState } from './registration-words.tsx'

/** One registration: what to enter at the provider, how long its secret lasts, and what depends on it. */
export function RegistrationPage() {
  const { registration: ref } = useParams({ from: '/inside/registrations/$registration' })
  const [editing, setEditing] = useState(false)
  const found = useQuery({ queryKey: ['registrations', 'one', ref], queryFn: () => api.getRegistration({ params: { registration: ref } }) })
  // What somebody deleted meanwhile is not shown as if it were there.
  const registration = isNotFound(found.error) ? undefined : found.data
  const providerId = registration?.provider.id ?? ''
  const described = useQuery({
    queryKey: ['provider', providerId],
    queryFn: async () => (await api.getProvider({ params: { provider: providerId } })).description,
    enabled: providerId !== '',
    retry: false,
  })
  if (registration === undefined) {
    if (!found.isError) {
      return (
        <>
          <PageHead title="Registration" />
          <Skeleton h={320} />
        </>
      )
    }
    return (
      <Stack>
        <PageHead title={isNotFound(found.error) ? 'There is no such registration' : 'Registration'} />
        <ProblemNotice error={found.error} />
        <Button component={Link} to="/registrations" variant="default" w="fit-content">
          To the registrations
        </Button>
      </Stack>
    )
  }
  const placeholders = described.data?.placeholders
  const rows = [
    [
      'Provider',
      <Anchor key="provider" component={Link} to="/providers/$provider" params={{ provider: registration.provider.id } as never}>
        {registration.provider.name}
      </Anchor>,
    ],
    ...Object.entries(registration.placeholders).map(([name, value]) => [placeholders?.[name]?.title ?? name, <bdi key={name}>{value}</bdi>] as const),
    [
      'Client ID',
      <span key="id" className="mono">
        {registration.client_id}
      </span>,
    ],
    ['Proves itself by', clientAuthWords[registration.client_auth]],
    ['State', <SecretState key="state" registration={registration} />],
    ['Secret ends', registration.secret_expires_at?.slice(0, 10)],
    ['Key ID', registration.private_key_id],
    [
      'Certificate',
      registration.certificate === null ? null : (
        <>
          <span className="mono">{registration.certificate.thumbprint}</span>, ends <RelativeTime at={registration.certificate.expires_at} />
        </>
      ),
    ],
    ['Made', <RelativeTime key="made" at={registration.created_at} />],
    ['Changed', <RelativeTime key="changed" at={registration.updated_at} />],
  ] as const
  return (
    <Stack gap="lg">
      <PageHead title={registration.name} actions={<Button onClick={() => setEditing(true)}>Edit or new secret</Button>}>
        A registration at {registration.provider.name}.
      </PageHead>
      <ProviderUpdateNotice registration={registration} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Paper withBorder p="md">
            <Title order={2} mb="xs">
              Facts
            </Title>
            <Facts label="Facts" rows={rows} />
          </Paper>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Paper withBorder p="md">
            <Title order={2} mb="xs">
              At the provider
            </Title>
            {registration.own_redirect ? (
              <CopyField
                label="Redirect URI"
                description="Enter it at the provider exactly as it stands here, every sign of it. People come back to it after they consented."
                value={registration.redirect_uri}
              />
            ) : (
              <Text size="sm">
                This client belongs to another application. The browser ends at <span className="mono">{registration.redirect_uri}</span>, and the address is
                pasted back from there by hand.
              </Text>
            )}
          </Paper>
        </Grid.Col>
      </Grid>
      <Credentials registration={registration} />
      <Danger registration={registration} />
      <EditRegistration registration={registration} opened={editing} onClose={() => setEditing(false)} />
    </Stack>
  )
}

function Credentials({ registration }: { registration: Registration }) {
  const list = useInfiniteQuery({
    queryKey: ['credentials', 'of-registration', registration.id],
    queryFn: ({ pageParam }) =>
      api.listCredentials({ query: { registration: registration.id, limit: 20, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">
        Credentials that use it
      </Title>
      <ProblemNotice error={list.error} />
      {list.data !== undefined && items.length === 0 && <Text size="sm">None. It can be deleted, or a new credential can use it.</Text>}
      <List listStyleType="none" spacing={6}>
        {items.map((credential) => (
          <List.Item key={credential.id}>
            <Group gap="xs">
              <Anchor component={Link} to="/credentials/$credential" params={{ credential: credential.id } as never}>
                <bdi>{credential.name}</bdi>
              </Anchor>
              <StatusMark status={credential.status} />
              {credential.username !== null && (
                <Text size="sm" c="dimmed">
                  <bdi>{credential.username}</bdi>
                </Text>
              )}
            </Group>
          </List.Item>
        ))}
      </List>
      <MoreButton pages={list} />
    </Paper>
  )
}

function Danger({ registration }: { registration: Registration }) {
  const [asking, setAsking] = useState(false)
  const navigate = useNavigate()
  const count = registration.credentials
  const remove = async () => {
    await api.deleteRegistration({ params: { registration: registration.id } })
    tell(`“${registration.name}” is deleted.`)
    void queryClient.invalidateQueries({ queryKey: ['registrations', 'list'] })
    await navigate({ to: '/registrations' })
  }
  return (
    <Paper withBorder p="md">
      <Group justify="space-between">
        <div>
          <Title order={2}>Delete</Title>
          <Text size="sm">
            {count > 0
              ? `It is in use: ${count === 1 ? 'one credential needs' : `${count} credentials need`} it. Delete ${count === 1 ? 'it' : 'them'} first, or keep this registration.`
              : 'No credential needs it. What is registered at the provider stays there; remove it there too.'}
          </Text>
        </div>
        {count === 0 && (
          <Button color="red" variant="light" onClick={() => setAsking(true)}>
            Delete
          </Button>
        )}
      </Group>
      <TypeToConfirm opened={asking} onClose={() => setAsking(false)} title={`Delete “${registration.name}”?`} word="" button="Delete" onConfirm={remove}>
        <Text size="sm">Its client secret or key is removed here for good. This cannot be taken back.</Text>
      </TypeToConfirm>
    </Paper>
  )
}
