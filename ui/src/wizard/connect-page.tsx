import { Button, Group, List, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Notice } from '../elements/notice.tsx'
import { api, isNotFound } from '../api/client.ts'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { WithGuide } from '../guides/guide-panel.tsx'
import { valuesOf } from '../guides/guide-values.ts'
import { guidesBeside } from '../guides/guides-beside.ts'
import { ConsentPanel } from './consent-panel.tsx'
import { LookOnly } from './edit-credential-page.tsx'
import { useMayManage } from './may-manage.ts'

/** Connects or reconnects a credential: the same id, the same scopes; everything that uses it goes on. */
export function ConnectPage() {
  const { credential: ref } = useParams({ from: '/inside/credentials/$credential/connect' })
  const navigate = useNavigate()
  const mayManage = useMayManage()
  const found = useQuery({ queryKey: ['credential', ref], queryFn: () => api.getCredential({ params: { credential: ref } }) })
  const credential = found.data
  const providerId = credential?.provider?.id ?? ''
  const provider = useQuery({
    queryKey: ['provider', providerId],
    queryFn: async () => (await api.getProvider({ params: { provider: providerId } })).description,
    enabled: providerId !== '',
  })
  if (credential === undefined) {
    if (!found.isError) return <Skeleton h={320} aria-label="Loading" />
    return (
      <Stack>
        <PageHead title={isNotFound(found.error) ? 'There is no such credential' : 'Connect'} />
        <ProblemNotice error={found.error} />
      </Stack>
    )
  }
  if (!mayManage) return <LookOnly />
  const person = credential.grant === 'authorization_code' || credential.grant === 'device_code'
  const params = { credential: credential.id } as never
  return (
    <Stack gap="lg">
      <PageHead title={`${credential.has_secret ? 'Reconnect' : 'Connect'} “${credential.name}”`}>
        {credential.has_secret ? 'It keeps its name, its scopes and everything that uses it.' : 'Once somebody has agreed, automations can use it.'}
      </PageHead>
      {credential.status === 'needs_consent' && credential.reason !== null && (
        <Notice color="yellow" title="Why it has to be connected again" maw={760}>
          {credential.reason.message}
        </Notice>
      )}
      {person ? (
        (providerId === '' || !provider.isPending) && (
          <WithGuide
            beside={guidesBeside({ kind: credential.kind, step: 'consent', provider: provider.data ?? null, grant: credential.grant, clientAuth: null })}
            values={valuesOf(credential, null, provider.data ?? null)}
            credential={credential.id}
          >
            <ConsentPanel
              credential={credential}
              provider={provider.data ?? null}
              onEditClient={() => void navigate({ to: '/credentials/$credential/edit', params, search: { step: 'client' } as never })}
            />
          </WithGuide>
        )
      ) : (
        <Notice color="gray" title="Nobody has to connect it" maw={760}>
          It works without a person. Try it with a test.
        </Notice>
      )}
      {person && (
        <div>
          <Text size="sm" fw={600}>
            What it asks for
          </Text>
          {credential.scopes.length === 0 ? (
            <Text size="sm">No scopes: the provider decides.</Text>
          ) : (
            <List size="sm">
              {credential.scopes.map((scope) => (
                <List.Item key={scope} className="mono">
                  {scope}
                </List.Item>
              ))}
            </List>
          )}
        </div>
      )}
      <Group gap="sm">
        <Button variant="default" component={Link} to="/credentials/$credential" params={params} hash="test">
          Test it
        </Button>
        <Button variant="default" component={Link} to="/credentials/$credential" params={params}>
          To the credential
        </Button>
      </Group>
    </Stack>
  )
}
