import { Anchor, Input, List, Radio, SimpleGrid, Stack, Text } from '@mantine/core'
import type { PopularConfiguration } from '@keybearer/client'
import { IconAlertTriangle } from '@tabler/icons-react'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { Notice } from '../elements/notice.tsx'
import { ChoiceCard } from './choice-card.tsx'
import { useDraft } from './draft-form.ts'

export const popularConfigurations = queryOptions({
  queryKey: ['popular-configurations'],
  queryFn: () => api.listPopularConfigurations(),
  staleTime: 300_000,
  retry: false,
})

/** The client of a well-known application in place of one's own: whose it is, what its publisher says, and that it may end. */
export function PopularChoice() {
  const form = useDraft()
  const items = useQuery(popularConfigurations).data?.items ?? []
  const chosen = items.find((one) => one.id === form.values.popular)
  const choose = (id: string) => {
    const one = items.find((item) => item.id === id)
    if (one === undefined) return
    form.setValues({
      popular: one.id,
      provider: one.provider.id,
      registration: '',
      placeholders: one.placeholders,
      clientId: one.client_id,
      clientAuth: one.needs_secret ? '' : 'none',
      scopes: one.scopes,
      flow: 'person',
    })
  }
  return (
    <Stack gap="sm">
      <Notice color="yellow" icon={<IconAlertTriangle aria-hidden />} title="Register an application of your own first">
        These clients belong to others. The page where you agree shows their name, not yours; their publishers may object, and they may stop working any day.
        What works for good is{' '}
        <Anchor component={Link} to="/providers">
          an application that you register
        </Anchor>{' '}
        at the provider.
      </Notice>
      <Radio.Group aria-label="Application" value={form.values.popular} onChange={choose}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          {items.map((one) => (
            <ChoiceCard
              key={one.id}
              value={one.id}
              title={titleOf(one)}
              meaning={`${one.purposes.join(', ')}${one.needs_secret ? '; needs its client secret' : ''}`}
            />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {chosen !== undefined && (
        <div role="status">
          <Text size="sm" fw={600}>
            {titleOf(chosen)}
          </Text>
          <List size="sm">
            <List.Item>The consent page will show: {chosen.app}.</List.Item>
            <List.Item>{chosen.statement}</List.Item>
            <List.Item>
              {chosen.ways.includes('paste') ? 'You paste back the address at which the browser ends' : 'You enter a code on another device'}
              {chosen.ways.length > 1 && ', or enter a code on another device'}.
            </List.Item>
            {chosen.needs_secret && (
              <List.Item>A client secret belongs to it. Keybearer does not have it: its publisher keeps it in {chosen.source}.</List.Item>
            )}
            <List.Item>
              Published at{' '}
              <Anchor href={chosen.repository} target="_blank" rel="noopener noreferrer">
                {chosen.repository}
              </Anchor>
              , seen there on {chosen.seen}.
            </List.Item>
          </List>
        </div>
      )}
      {form.errors.provider !== undefined && <Input.Error role="alert">{form.errors.provider}</Input.Error>}
    </Stack>
  )
}

const titleOf = (one: PopularConfiguration): string => `${one.app}${one.variant === null ? '' : ` (${one.variant})`}, ${one.provider.name}`
