import { Anchor, Table, Text } from '@mantine/core'
import type { AccessKey } from '@keybearer/client'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '../elements/empty-state.tsx'
import { useNow } from '../elements/relative-time.tsx'
import { useCredentialNames } from './credential-names.ts'
import classes from './key-grid.module.css'
import { everything, rights, rightsOn, stateOf } from './rights.ts'

/** Credentials down, keys across: a tick for each right. Only keys that still open something. */
export function KeyGrid({ keys }: { keys: readonly AccessKey[] }) {
  const now = useNow()
  const active = keys.filter((key) => stateOf(key, now) === 'active').sort((one, other) => one.name.localeCompare(other.name))
  const names = useCredentialNames(active)
  const credentials = [...names].sort(([, one], [, other]) => one.localeCompare(other))
  if (active.length === 0) return <EmptyState title="No key works">Every key is revoked or has ended.</EmptyState>
  return (
    <>
      <Text size="sm" c="dimmed" mb="xs" id="grid-hint">
        A right on all credentials holds for each of them, also where its row shows no tick.
      </Text>
      <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Grid of rights', role: 'region' } }}>
        <Table className={classes.grid} withColumnBorders aria-label="Rights by credential and key" aria-describedby="grid-hint">
          <Table.Thead>
            <Table.Tr>
              <Table.Th className={classes.corner} scope="col">
                Credential
              </Table.Th>
              {active.map((key) => (
                <Table.Th key={key.id} scope="col">
                  <bdi>{key.name}</bdi>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr>
              <Table.Th scope="row">All credentials</Table.Th>
              {active.map((key) => (
                <Cell key={key.id} accessKey={key} credential={everything} />
              ))}
            </Table.Tr>
            {credentials.map(([id, name]) => (
              <Table.Tr key={id}>
                <Table.Th scope="row">
                  <Anchor component={Link} to="/credentials/$credential" params={{ credential: id } as never} size="sm">
                    <bdi>{name}</bdi>
                  </Anchor>
                </Table.Th>
                {active.map((key) => (
                  <Cell key={key.id} accessKey={key} credential={id} />
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  )
}

function Cell({ accessKey, credential }: { accessKey: AccessKey; credential: string }) {
  const given = rightsOn(accessKey, credential)
  return (
    <Table.Td>
      {given.length === 0 ? (
        <Text size="xs" c="dimmed" aria-label="nothing">
          –
        </Text>
      ) : (
        <ul className={classes.cell}>
          {rights
            .filter((right) => given.includes(right.value))
            .map((right) => (
              <li key={right.value} title={right.meaning}>
                <span aria-hidden className={classes.tick}>
                  ✓{' '}
                </span>
                {right.title}
              </li>
            ))}
        </ul>
      )}
    </Table.Td>
  )
}
