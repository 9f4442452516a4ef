import type { DetectedProviders } from '@keybearer/client'
import { Button, Group, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'

type PasswordMail = NonNullable<DetectedProviders['password_mail']>
type Props = {
  address: string
  onChoose: (provider: string) => void
  /** The server of this address takes a user name and a password, and nothing else. */
  onPassword: (mail: PasswordMail) => void
}

/** Proposes the provider of a mail address. Name servers are asked only when the person says so: it tells them the domain. */
export function AddressProposal({ address, onChoose, onPassword }: Props) {
  const [settled] = useDebouncedValue(address, 300)
  const [asked, setAsked] = useState<string | null>(null)
  const domain = settled.slice(settled.lastIndexOf('@') + 1)
  const isWhole = /^[^@\s]+@[^@\s]+\.[^@\s]{2,}$/.test(settled)
  const lookUp = asked === domain
  const found = useQuery({
    queryKey: ['providers', 'of-domain', domain, lookUp],
    queryFn: () => api.detectProvider({ params: { domain }, query: { look_up: lookUp } }),
    enabled: isWhole,
    retry: false,
  })
  if (!isWhole || found.data === undefined) return <div aria-live="polite" />
  const { items, password_mail: password } = found.data
  return (
    <Stack gap={6} aria-live="polite">
      {items.map(({ provider, by }) => (
        <Group key={provider.id} gap="xs">
          <Text size="sm">
            {by === 'domain' ? 'This address belongs to' : 'The mail of this domain is handled by'} <bdi>{provider.name}</bdi>.
          </Text>
          <Button size="compact-sm" variant="light" onClick={() => onChoose(provider.id)}>
            Take {provider.name}
          </Button>
        </Group>
      ))}
      {password !== null && (
        <Group gap="xs">
          <Text size="sm">
            <bdi>{password.name}</bdi> knows no OAuth 2.0 for mail: its server takes a user name and{' '}
            {password.password === 'app' ? 'an app password, which you make in the settings of the account' : 'a password'}.
          </Text>
          <Button size="compact-sm" variant="light" onClick={() => onPassword(password)}>
            Keep user name and password
          </Button>
        </Group>
      )}
      {items.length === 0 && password === null && (
        <Group gap="xs">
          <Text size="sm">
            {lookUp ? `Nobody who is known here handles the mail of ${domain}. Choose from the list.` : `${domain} is not a domain that is known here.`}
          </Text>
          {!lookUp && (
            <Button size="compact-sm" variant="default" onClick={() => setAsked(domain)}>
              Look up who handles its mail
            </Button>
          )}
        </Group>
      )}
    </Stack>
  )
}
