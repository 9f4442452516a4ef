import { Anchor, Button, Group, Paper, Skeleton, Stack, Tabs, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { includesRole, useSession } from '../api/session.ts'
import { TestSteps } from '../credentials/test-result.tsx'
import { CopyField } from '../elements/copy-field.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { Summary } from './summary.tsx'

/** Step 6: tries it for real, sums up what was made, then says how automations get it. */
export function TestStep({ credential, onFix }: { credential: Credential; onFix: () => void }) {
  const test = useQuery({
    queryKey: ['test', credential.id],
    queryFn: () => api.testCredential({ params: { credential: credential.id } }),
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  return (
    <Stack gap="lg">
      <Paper withBorder p="md">
        <Stack gap="sm" aria-live="polite">
          {test.isFetching ? (
            <>
              <Text size="sm">Trying it for real …</Text>
              <Skeleton h={72} />
            </>
          ) : (
            <>
              <ProblemNotice error={test.error} />
              {test.data !== undefined && <TestSteps report={test.data} />}
            </>
          )}
        </Stack>
        <Group mt="md" gap="sm">
          <Button size="xs" variant="default" onClick={() => void test.refetch()} disabled={test.isFetching}>
            Test again
          </Button>
          {test.data?.ok === false && (
            <Button size="xs" variant="default" onClick={onFix}>
              Look at the settings
            </Button>
          )}
        </Group>
      </Paper>
      <Summary credential={credential} />
      <WhatNext credential={credential} />
    </Stack>
  )
}

function WhatNext({ credential }: { credential: Credential }) {
  const { data: session } = useSession()
  const name = shellWord(credential.name)
  const address = `${window.location.origin}/v1/credentials/${encodeURIComponent(credential.name)}/token`
  return (
    <Stack gap="sm">
      <Title order={3}>What to do next</Title>
      <Tabs defaultValue="token">
        <Tabs.List aria-label="Ways to use it">
          <Tabs.Tab value="token">Get a token</Tabs.Tab>
          <Tabs.Tab value="run">In a job</Tabs.Tab>
          <Tabs.Tab value="http">Over HTTP</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="token" pt="sm">
          <CopyField label="Prints a fresh token, and nothing else" value={`keybearer token ${name}`} />
        </Tabs.Panel>
        <Tabs.Panel value="run" pt="sm">
          <CopyField label="Runs a program with a token in its environment" value={`keybearer run --env ${shellWord(`TOKEN=${credential.name}`)} -- ./job`} />
        </Tabs.Panel>
        <Tabs.Panel value="http" pt="sm">
          <CopyField label="Asks the service, from any language" value={`curl -X POST -H "Authorization: Bearer $(cat access-key)" ${address}`} />
        </Tabs.Panel>
      </Tabs>
      <Text size="sm">
        {includesRole(session?.person?.role, 'administrator') && (
          <>
            A program on another machine needs an access key:{' '}
            <Anchor component={Link} to="/access-keys" size="sm" underline="always">
              make an access key
            </Anchor>
            .{' '}
          </>
        )}
        To send mail with it,{' '}
        <Anchor component={Link} to="/senders" size="sm" underline="always">
          make a sender
        </Anchor>
        .
      </Text>
    </Stack>
  )
}

/** A word as a shell reads it: quoted where a name has more than plain signs. */
const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
