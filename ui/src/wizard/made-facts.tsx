import { Table, Text } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { flowOf, flows } from './flow.ts'

const kinds: Record<Credential['kind'], string> = { oauth2: 'OAuth 2.0 account', api_key: 'API key', basic: 'User name and password (the weaker way)' }

/** Step 1 of a credential that exists: what was chosen then, and cannot change. */
export function MadeFacts({ credential }: { credential: Credential }) {
  return (
    <div>
      <Table variant="vertical" maw={560} withTableBorder>
        <Table.Tbody>
          <Table.Tr>
            <Table.Th w="40%">Kind</Table.Th>
            <Table.Td>{kinds[credential.kind]}</Table.Td>
          </Table.Tr>
          {credential.provider !== null && (
            <Table.Tr>
              <Table.Th>Provider</Table.Th>
              <Table.Td>
                <bdi>{credential.provider.name}</bdi>
              </Table.Td>
            </Table.Tr>
          )}
          {credential.kind === 'oauth2' && (
            <Table.Tr>
              <Table.Th>How it gets tokens</Table.Th>
              <Table.Td>{credential.grant === 'device_code' ? 'A person enters a code on another device' : flows[flowOf(credential)].title}</Table.Td>
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
      <Text size="sm" mt="sm">
        These are fixed once a credential is made: what depends on it relies on them. To choose otherwise, duplicate it; the new one can take over what you
        typed.
      </Text>
    </div>
  )
}
