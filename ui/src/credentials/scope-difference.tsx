import { Group, List, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'

/** Scopes granted against scopes asked for. */
export function ScopeDifference({ credential }: { credential: Credential }) {
  const missing = new Set(credential.missing_scopes)
  const asked = new Set(credential.scopes)
  const extra = (credential.granted_scopes ?? []).filter((scope) => !asked.has(scope))
  if (credential.scopes.length === 0 && extra.length === 0) return null
  return (
    <>
      <Title order={3} mt="md" mb={4}>
        Scopes
      </Title>
      <List size="sm" listStyleType="none" ps={0}>
        {credential.scopes.map((scope) => (
          <List.Item key={scope}>
            <Group gap={6} wrap="nowrap">
              <span role="img" aria-label={credential.granted_scopes === null ? 'asked' : missing.has(scope) ? 'not granted' : 'granted'}>
                {credential.granted_scopes === null ? '·' : missing.has(scope) ? '✗' : '✓'}
              </span>
              <span className="mono">{scope}</span>
              {missing.has(scope) && (
                <Text span size="xs" c="dimmed">
                  not granted
                </Text>
              )}
            </Group>
          </List.Item>
        ))}
        {extra.map((scope) => (
          <List.Item key={scope}>
            <Group gap={6} wrap="nowrap">
              <span role="img" aria-label="granted without being asked">
                +
              </span>
              <span className="mono">{scope}</span>
              <Text span size="xs" c="dimmed">
                not asked for
              </Text>
            </Group>
          </List.Item>
        ))}
      </List>
      {credential.granted_scopes === null && (
        <Text size="xs" c="dimmed">
          {credential.has_secret ? 'The provider did not say which it granted.' : 'Asked for; nothing was granted yet.'}
        </Text>
      )}
    </>
  )
}
