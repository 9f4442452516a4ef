import { Paper, Table, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import type { ReactNode } from 'react'
import { kindWords } from '../credentials/credential-row.tsx'
import { flowOf, flows } from './flow.ts'

/** What was made, in one look: everything that matters and nothing secret. */
export function Summary({ credential }: { credential: Credential }) {
  const rows: [string, ReactNode][] = [
    ['Name', <bdi key="name">{credential.name}</bdi>],
    ['What it is for', credential.description === '' ? null : <bdi key="description">{credential.description}</bdi>],
    ['Kind', credential.kind === 'oauth2' ? flows[flowOf(credential)].title : kindWords[credential.kind]],
    ['Provider', credential.provider === null ? null : <bdi key="provider">{credential.provider.name}</bdi>],
    ['Account', credential.username === null ? null : <bdi key="account">{credential.username}</bdi>],
    ['Acts for', credential.options.act_for],
    ['Scopes', credential.scopes.length === 0 ? null : <span className="mono">{credential.scopes.join(' ')}</span>],
    ['May be sent to', credential.allowed_hosts.length === 0 ? null : <span className="mono">{credential.allowed_hosts.join(', ')}</span>],
    ['Tags', credential.tags.join(', ')],
  ]
  return (
    <Paper withBorder p="md">
      <Title order={3} mb={4}>
        Summary
      </Title>
      <Table variant="vertical" layout="fixed" withRowBorders={false} verticalSpacing={3} horizontalSpacing={0}>
        <Table.Tbody>
          {rows
            .filter(([, value]) => value !== null && value !== undefined && value !== '')
            .map(([title, value]) => (
              <Table.Tr key={title}>
                <Table.Th scope="row" w="7.5rem" fw={400} bg="none" style={{ verticalAlign: 'top' }}>
                  {title}
                </Table.Th>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}
