import { List, Paper, Text, Title } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { grantTitle } from './provider-words.ts'

/** What may be asked for, in plain words. */
export function ScopeSets({ description }: { description: Provider }) {
  return (
    <Paper withBorder p="md" component="section" aria-label="Scopes">
      <Title order={2}>Scopes</Title>
      <Text size="sm" c="dimmed" mb="xs">
        A scope says what a token is good for. Ask for as few as the automation needs.
      </Text>
      {description.scope_sets.length === 0 && description.default_scopes.length === 0 && description.scopes.length === 0 && (
        <Text size="sm">Nothing is known here of its scopes: its documentation names them.</Text>
      )}
      <List listStyleType="none" spacing="sm" size="sm">
        {description.scope_sets.map((set) => (
          <List.Item key={set.title}>
            <b>{set.title}</b>
            {set.grants !== undefined && ` (${set.grants.map(grantTitle).join(', ')})`}
            <Text size="sm">{set.meaning}</Text>
            <Text size="xs" c="dimmed" className="mono">
              {set.scopes.join(' ')}
            </Text>
          </List.Item>
        ))}
        {description.scopes.map(({ scope, meaning }) => (
          <List.Item key={scope}>
            {meaning}
            <Text size="xs" c="dimmed" className="mono">
              {scope}
            </Text>
          </List.Item>
        ))}
        {description.default_scopes.length > 0 && (
          <List.Item>
            <b>Asked for unless told</b>
            <Text size="xs" c="dimmed" className="mono">
              {description.default_scopes.join(' ')}
            </Text>
          </List.Item>
        )}
      </List>
    </Paper>
  )
}

const protocols = [
  ['smtp', 'Sending (SMTP)'],
  ['imap', 'Reading (IMAP)'],
  ['pop', 'Fetching (POP)'],
] as const

/** Where mail is sent and read with these tokens. */
export function MailServers({ description }: { description: Provider }) {
  const mail = description.mail
  if (mail === undefined) return null
  return (
    <Paper withBorder p="md" component="section" aria-label="Mail servers">
      <Title order={2} mb="xs">
        Mail servers
      </Title>
      {protocols
        .filter(([protocol]) => mail[protocol].length > 0)
        .map(([protocol, title]) => (
          <div key={protocol}>
            <Title order={3} mt={6}>
              {title}
            </Title>
            <List size="sm">
              {mail[protocol].map((server) => (
                <List.Item key={`${server.host}${server.port}`}>
                  <span className="mono">
                    {server.host}:{server.port}
                  </span>
                  , {server.tls === 'implicit' ? 'TLS from the start' : 'STARTTLS'}, {server.mechanisms.join(' or ')}
                </List.Item>
              ))}
            </List>
          </div>
        ))}
    </Paper>
  )
}
