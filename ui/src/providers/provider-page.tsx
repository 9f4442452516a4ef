import { Anchor, Button, Grid, Group, List, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Provider, ProviderDetails } from '@keybearer/client'
import { IconExternalLink } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { api, isNotFound } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useMay } from '../api/session.ts'
import { Facts } from '../elements/facts.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { saveFile } from '../elements/save-file.ts'
import { withoutDefaults } from './description-text.ts'
import { MailServers, ScopeSets } from './provider-details.tsx'
import { ProviderDrawer } from './provider-drawer.tsx'
import { categoryTitle, duration, endpointsOf, grantWords, linkOf } from './provider-words.ts'

/** One provider: where it is asked, what may be asked for and what that means, and what is peculiar about it. */
export function ProviderPage() {
  const { provider: id } = useParams({ from: '/inside/providers/$provider' })
  const found = useQuery({ queryKey: ['providers', 'one', id], queryFn: () => api.getProvider({ params: { provider: id } }) })
  const mayManage = useMay('manager')
  const [editing, edit] = useDisclosure(false)
  // What somebody deleted meanwhile is not shown as if it were there.
  const provider = isNotFound(found.error) ? undefined : found.data
  if (provider === undefined) {
    if (!found.isError) {
      return (
        <>
          <PageHead title="Provider" />
          <Skeleton h={320} />
        </>
      )
    }
    return (
      <Stack>
        <PageHead title={isNotFound(found.error) ? 'There is no such provider' : 'Provider'} />
        <ProblemNotice error={found.error} />
        <Button component={Link} to="/providers" variant="default" w="fit-content">
          To the providers
        </Button>
      </Stack>
    )
  }
  const about = provider.description
  const remarks = [...about.lifetimes.remarks, about.offline_hint, about.revocation_hint].filter((text) => text !== undefined)
  return (
    <Stack gap="lg">
      <PageHead
        title={provider.name}
        actions={
          mayManage && (
            <>
              <Button variant="default" onClick={() => saveFile(`${provider.id}.json`, `${withoutDefaults(about)}\n`, 'application/json')}>
                Save as a file
              </Button>
              {provider.own && (
                <Button variant="default" onClick={edit.open}>
                  Edit
                </Button>
              )}
              <Button component={Link} to="/credentials/new" search={{ provider: provider.id } as never}>
                New credential
              </Button>
            </>
          )
        }
      >
        {provider.own ? 'A provider of your own.' : 'From the catalogue.'} {about.notes}
      </PageHead>
      <Group gap="lg">
        <OutLink address={about.docs_url} title="Documentation" />
        <OutLink address={about.console_url} title="Where applications are registered" />
      </Group>
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Stack gap="lg">
            <Paper withBorder p="md" component="section" aria-label="Ways to a token">
              <Title order={2} mb="xs">
                Ways to a token
              </Title>
              <List size="sm" spacing={4} mb="sm">
                {about.grants.map((grant) => (
                  <List.Item key={grant}>{grantWords[grant]?.meaning ?? grant}</List.Item>
                ))}
              </List>
              <Facts
                label="Facts"
                rows={[
                  ['Id', <code key="id">{provider.id}</code>],
                  ['Category', about.category === undefined ? null : categoryTitle(about.category)],
                  ['Version', String(about.version)],
                  ['Confirmed by', about.sources === undefined ? null : `${about.sources} independent public ${about.sources === 1 ? 'program' : 'programs'}`],
                  ['Mail addresses', about.domains.length === 0 ? null : about.domains.join(', ')],
                  ['Access token lives', about.lifetimes.access_token === undefined ? null : duration(about.lifetimes.access_token)],
                  ['With a renewal', renewalWords[about.refresh_token]],
                  ['Refresh token lives', about.lifetimes.refresh_token === undefined ? null : duration(about.lifetimes.refresh_token)],
                  ['Unused, it ends after', about.lifetimes.refresh_token_idle === undefined ? null : duration(about.lifetimes.refresh_token_idle)],
                  [
                    'Tokens may be sent to',
                    about.hosts.length === 0 ? null : (
                      <span key="hosts" className="mono">
                        {about.hosts.join(', ')}
                      </span>
                    ),
                  ],
                ]}
              />
            </Paper>
            <Paper withBorder p="md" component="section" aria-label="Addresses">
              <Title order={2} mb="xs">
                Addresses
              </Title>
              <Facts
                label="Addresses"
                rows={endpointsOf(about).map(([title, address]) => [
                  title,
                  address === undefined ? null : (
                    <span key={title} className="mono">
                      {address}
                    </span>
                  ),
                ])}
              />
              {Object.keys(about.placeholders).length > 0 && (
                <>
                  <Title order={3} mt="sm" mb={4}>
                    To be filled in
                  </Title>
                  <List size="sm" spacing={6}>
                    {Object.entries(about.placeholders).map(([name, placeholder]) => (
                      <List.Item key={name}>
                        <code className="mono">{`{${name}}`}</code> <b>{placeholder.title}</b>: {placeholder.meaning} Such as{' '}
                        <span className="mono">{placeholder.example}</span>.{placeholder.where !== undefined && ` ${placeholder.where}`}
                      </List.Item>
                    ))}
                  </List>
                </>
              )}
            </Paper>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Stack gap="lg">
            <ScopeSets description={about} />
            <MailServers description={about} />
            {(remarks.length > 0 || about.redirect_rules.length > 0) && (
              <Paper withBorder p="md" component="section" aria-label="Good to know">
                <Title order={2} mb="xs">
                  Good to know
                </Title>
                <List size="sm" spacing={4}>
                  {remarks.map((text) => (
                    <List.Item key={text}>{text}</List.Item>
                  ))}
                  {about.redirect_rules.map((text) => (
                    <List.Item key={text}>Redirect URI: {text}</List.Item>
                  ))}
                </List>
              </Paper>
            )}
          </Stack>
        </Grid.Col>
      </Grid>
      {provider.own && mayManage && <Danger provider={provider} />}
      <ProviderDrawer provider={provider} opened={editing} onClose={edit.close} />
    </Stack>
  )
}

const renewalWords: Record<Provider['refresh_token'], string | null> = {
  rotates: 'The refresh token is replaced by a new one',
  stays: 'The refresh token stays the same',
  may_rotate: 'The refresh token may be replaced by a new one',
  none: 'There is no refresh token',
  unknown: null,
}

function OutLink({ address, title }: { address: string | undefined; title: string }) {
  const link = linkOf(address)
  if (link === null) return null
  return (
    <Anchor href={link} target="_blank" rel="noreferrer noopener" size="sm">
      {title} <IconExternalLink size={14} role="img" aria-label="(opens a new tab)" style={{ verticalAlign: 'text-bottom' }} />
    </Anchor>
  )
}

function Danger({ provider }: { provider: ProviderDetails }) {
  const [asking, setAsking] = useState(false)
  const navigate = useNavigate()
  const remove = async () => {
    await api.deleteProvider({ params: { provider: provider.id } })
    tell(`“${provider.name}” is deleted.`)
    void queryClient.invalidateQueries({ queryKey: ['providers'], exact: true })
    await navigate({ to: '/providers' })
  }
  return (
    <Paper withBorder p="md">
      <Group justify="space-between">
        <div>
          <Title order={2}>Delete</Title>
          <Text size="sm">Only this description goes. While a registration needs it, the service refuses and says which.</Text>
        </div>
        <Button color="red" variant="light" onClick={() => setAsking(true)}>
          Delete
        </Button>
      </Group>
      <TypeToConfirm opened={asking} onClose={() => setAsking(false)} title={`Delete “${provider.name}”?`} word="" button="Delete" onConfirm={remove}>
        <Text size="sm">This cannot be taken back.</Text>
      </TypeToConfirm>
    </Paper>
  )
}
