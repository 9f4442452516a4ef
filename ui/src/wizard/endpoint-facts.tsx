import { Group, Paper, Stack, Text } from '@mantine/core'
import type { Provider } from '@keybearer/client'

type Props = { provider: Provider; placeholders: Record<string, string>; title: string }

/** The addresses of a provider, as facts: nothing to type, everything to compare with its documentation. */
export function EndpointFacts({ provider, placeholders, title }: Props) {
  const rows: [string, string | undefined][] = [
    ['Issuer', provider.issuer],
    ['A person signs in at', provider.authorization_endpoint],
    ['Tokens are fetched at', provider.token_endpoint],
    ['Device codes come from', provider.device_authorization_endpoint],
    ['Tokens are taken back at', provider.revocation_endpoint],
    ['The account is asked at', provider.userinfo_endpoint],
  ]
  return (
    <Paper withBorder p="sm">
      <Text size="sm" fw={600} mb={6}>
        {title}
      </Text>
      <Stack component="dl" gap={6} m={0}>
        {rows.map(([label, template]) => {
          const address = template === undefined ? '' : fill(template, provider, placeholders)
          return address === '' ? null : (
            <Group key={label} gap="sm" align="baseline" style={{ rowGap: 0 }}>
              <Text component="dt" size="sm" c="dimmed" flex="0 0 11.5rem">
                {label}
              </Text>
              <Text component="dd" className="mono" size="xs" m={0} flex="1 1 15rem" miw={0}>
                {address}
              </Text>
            </Group>
          )
        })}
      </Stack>
    </Paper>
  )
}

/** An address with what was entered; what is still open stays visible as {name}. */
function fill(template: string, provider: Provider, values: Record<string, string>): string {
  if (/^\{[a-z_]+\}$/.test(template)) return values[template.slice(1, -1)]?.trim() ?? ''
  return template.replace(/\{([a-z_]+)\}/g, (whole, name: string) => {
    const value = values[name]?.trim() ?? ''
    return value !== '' ? value : (provider.placeholders[name]?.default ?? whole)
  })
}
