import { Badge, Box, Button, Divider, Grid, Group, List, Paper, Skeleton, Stack, Tabs, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Notice } from '../elements/notice.tsx'
import { api, isNotFound } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { CopyDetails } from '../elements/copy-details.tsx'
import { CopyField } from '../elements/copy-field.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { CredentialFacts } from './credential-facts.tsx'
import { CredentialGuides } from './credential-guides.tsx'
import { CredentialHistory } from './credential-history.tsx'
import { CredentialUse } from './credential-use.tsx'
import { DangerZone } from './danger-zone.tsx'
import { NextStepButton } from './next-step-button.tsx'
import { Snooze } from './snooze.tsx'
import { statusSentence } from './status-sentence.tsx'
import { StatusKey, StatusMark } from './status-mark.tsx'
import { TestResult } from './test-result.tsx'
import { WaitingLink } from '../wizard/withdraw-link.tsx'

/** One credential: whether it works in one sentence, the one thing to do, and everything that is known. */
export function CredentialPage() {
  const { credential: ref } = useParams({ from: '/inside/credentials/$credential' })
  const navigate = useNavigate()
  const mayManage = useMay('manager')
  const [testing, setTesting] = useState(() => window.location.hash === '#test')
  const found = useQuery({ queryKey: ['credential', ref], queryFn: () => api.getCredential({ params: { credential: ref } }) })
  // What somebody deleted meanwhile is not shown as if it were there.
  const credential = isNotFound(found.error) ? undefined : found.data
  useEffect(() => {
    if (window.location.hash === '#test') {
      setTesting(true)
      void navigate({ to: '.', hash: '', replace: true })
    }
  }, [ref])

  if (credential === undefined) {
    if (found.isError) {
      return (
        <Stack>
          <PageHead title={isNotFound(found.error) ? 'There is no such credential' : 'Credential'} />
          <ProblemNotice error={found.error} />
          <Button component={Link} to="/credentials" variant="default" w="fit-content">
            To the credentials
          </Button>
        </Stack>
      )
    }
    return <Skeleton h={320} aria-label="Loading" />
  }
  const isThreeLegged = credential.grant === 'authorization_code' || credential.grant === 'device_code'
  return (
    <Stack gap="lg">
      <PageHead
        title={credential.name}
        actions={
          mayManage && (
            <>
              <Button variant="default" onClick={() => setTesting(true)}>
                Test
              </Button>
              {isThreeLegged && (
                <Button variant="default" component={Link} to="/credentials/$credential/connect" params={{ credential: credential.id } as never}>
                  {credential.has_secret ? 'Reconnect' : 'Connect'}
                </Button>
              )}
              <Button variant="default" component={Link} to="/credentials/$credential/edit" params={{ credential: credential.id } as never}>
                Edit
              </Button>
            </>
          )
        }
      >
        {credential.description}
      </PageHead>

      <Paper withBorder p="md" aria-live="polite">
        <Group justify="space-between" gap="md">
          <Group gap="sm" align="flex-start" wrap="nowrap" flex="1 1 20rem">
            <StatusKey status={credential.status} />
            <div>
              <Group gap="xs">
                <StatusMark status={credential.status} />
                {credential.tags.map((tag) => (
                  <Badge key={tag} variant="default" tt="none" component={Link} to="/credentials" search={{ tag } as never} style={{ cursor: 'pointer' }}>
                    {tag}
                  </Badge>
                ))}
              </Group>
              <Text mt={6}>{statusSentence(credential)}</Text>
              {credential.next_step !== null && (
                <Text size="sm" c="dimmed" mt={2}>
                  {credential.next_step.text}
                </Text>
              )}
              <Snooze credential={credential} mayManage={mayManage} />
            </div>
          </Group>
          {mayManage && <NextStepButton credential={credential} size="sm" variant="filled" />}
        </Group>
        {credential.diagnosis !== null && (
          <>
            <Divider my="md" />
            <DiagnosisWords diagnosis={credential.diagnosis} />
          </>
        )}
        {isFailing(credential) && (
          <Box mt="sm">
            <CopyDetails details={credential} />
          </Box>
        )}
      </Paper>

      {mayManage && isThreeLegged && <WaitingLink credential={credential.id} />}

      {credential.missing_scopes.length > 0 && (
        <Notice color="yellow" title="The provider granted less than was asked for">
          <List size="sm">
            {credential.missing_scopes.map((scope) => (
              <List.Item key={scope}>
                <code className="mono">{scope}</code> was not granted
              </List.Item>
            ))}
          </List>
          <Text size="sm" mt="xs">
            Reconnect and agree to everything, or ask the administrator of the account. Automations that need these will fail.
          </Text>
        </Notice>
      )}

      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <CredentialFacts credential={credential} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Paper withBorder p="md">
            <Title order={2} mb="sm">
              Use it
            </Title>
            <Tabs defaultValue="command" styles={{ tab: { paddingInline: 10 } }}>
              <Tabs.List>
                <Tabs.Tab value="command">Command line</Tabs.Tab>
                <Tabs.Tab value="http">HTTP</Tabs.Tab>
                <Tabs.Tab value="job">In a job</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="command" pt="sm">
                <CopyField label="Print a token, and nothing else" value={`keybearer token ${shellWord(credential.name)}`} />
              </Tabs.Panel>
              <Tabs.Panel value="http" pt="sm">
                <CopyField
                  label="Ask the service"
                  value={`curl -X POST -H "Authorization: Bearer $(cat access-key)" ${window.location.origin}/v1/credentials/${encodeURIComponent(credential.name)}/token`}
                />
              </Tabs.Panel>
              <Tabs.Panel value="job" pt="sm">
                <CopyField
                  label="Run a program with a token in its environment"
                  value={`keybearer run --env ${shellWord(`TOKEN=${credential.name}`)} -- ./job`}
                />
              </Tabs.Panel>
            </Tabs>
          </Paper>
        </Grid.Col>
      </Grid>

      <CredentialGuides credential={credential} />
      <CredentialUse credential={credential} />
      <CredentialHistory credential={credential} />
      {mayManage && <DangerZone credential={credential} onDeleted={() => void navigate({ to: '/credentials' })} />}
      <TestResult credential={testing ? credential : null} onClose={() => setTesting(false)} />
    </Stack>
  )
}

const isFailing = ({ status }: Credential): boolean => status === 'retrying' || status === 'needs_consent' || status === 'misconfigured'

/** A word as a shell reads it: quoted where a name has more than plain signs. */
const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
