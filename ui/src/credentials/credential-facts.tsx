import { Anchor, Paper, Table, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { RelativeTime } from '../elements/relative-time.tsx'
import { kindWords } from './credential-row.tsx'
import { ScopeDifference } from './scope-difference.tsx'

const grantWords: Record<NonNullable<Credential['grant']>, string> = {
  authorization_code: 'a person signs in and consents (authorization code)',
  device_code: 'a person enters a code elsewhere (device code)',
  client_credentials: 'without a person (client credentials)',
  jwt_bearer: 'without a person (signed statement)',
}

/** Everything that is set or known, without a secret. */
export function CredentialFacts({ credential }: { credential: Credential }) {
  const rows: [string, ReactNode][] = [
    ['Account', credential.username === null ? null : <bdi>{credential.username}</bdi>],
    ['Kind', kindWords[credential.kind]],
    ['Gets tokens', credential.grant === null ? null : grantWords[credential.grant]],
    ['Provider', credential.provider?.name],
    [
      'Registration',
      credential.registration === null ? null : (
        <Anchor component={Link} to="/registrations/$registration" params={{ registration: credential.registration.id } as never}>
          {credential.registration.name}
        </Anchor>
      ),
    ],
    ['Acts for', credential.options.act_for],
    ['Access token until', credential.token_expires_at === null ? null : <RelativeTime at={credential.token_expires_at} />],
    ['Renewed next', credential.refresh_due_at === null ? null : <RelativeTime at={credential.refresh_due_at} />],
    ['Refresh token until', credential.refresh_token_expires_at === null ? null : <RelativeTime at={credential.refresh_token_expires_at} />],
    ['May be sent to', credential.allowed_hosts.length === 0 ? null : <span className="mono">{credential.allowed_hosts.join(', ')}</span>],
    ['Made', <RelativeTime key="made" at={credential.created_at} />],
    ['Changed', <RelativeTime key="changed" at={credential.updated_at} />],
  ]
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">
        Facts
      </Title>
      <Table layout="fixed" withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
        <Table.Tbody>
          {rows
            .filter(([, value]) => value !== null && value !== undefined && value !== '')
            .map(([title, value]) => (
              <Table.Tr key={title}>
                <Table.Th scope="row" w="38%" style={{ verticalAlign: 'top' }}>
                  <Text size="sm" c="dimmed">
                    {title}
                  </Text>
                </Table.Th>
                <Table.Td>
                  <Text size="sm" component="div">
                    {value}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
      {credential.kind === 'oauth2' && <ScopeDifference credential={credential} />}
    </Paper>
  )
}
