import { Button, Group, Input, Radio, SimpleGrid, Skeleton, Stack, Text, TextInput } from '@mantine/core'
import type { ProviderSummary } from '@keybearer/client'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { allProviders } from '../providers/all-providers.ts'
import { AddressProposal } from './address-proposal.tsx'
import { ChoiceCard } from './choice-card.tsx'
import { useDraft } from './draft-form.ts'

const most = 24

/** A searchable list of the providers that are known, one's own first. */
export function ProviderChoice() {
  const form = useDraft()
  const [search, setSearch] = useState('')
  const [all, setAll] = useState(false)
  const providers = useQuery(allProviders)
  const wanted = search.trim().toLowerCase()
  const isAddress = wanted.includes('@')
  const fitting = (providers.data?.items ?? [])
    .filter((one) => one.id !== 'generic')
    .filter((one) => isAddress || `${one.name} ${one.id} ${one.category ?? ''} ${one.domains.join(' ')}`.toLowerCase().includes(wanted))
    .toSorted((one, other) => Number(other.own) - Number(one.own) || rank(other) - rank(one) || one.name.localeCompare(other.name))
  const meant = fitting.length === 1 ? fitting[0] : fitting.find((one) => one.name.toLowerCase() === wanted || one.id === wanted)
  const shown = all ? fitting : fitting.slice(0, most)
  const choose = (id: string) => {
    const one = providers.data?.items.find((provider) => provider.id === id)
    if (one === undefined || id === form.values.provider) return
    form.setValues({ provider: id, registration: '', placeholders: {}, clientAuth: '', scopes: [], flow: isForPersons(one) ? 'person' : firstFlow(one) })
  }
  const keepPassword = ({ host, login }: { host: string; login: 'address' | 'local_part' }) => {
    const address = search.trim()
    form.setValues({ kind: 'basic', username: login === 'address' ? address : address.slice(0, address.lastIndexOf('@')), hosts: [host] })
  }
  if (providers.isError) return <ProblemNotice error={providers.error} />
  return (
    <Stack gap="sm">
      <TextInput
        type="search"
        label="Search the providers"
        description="By name, or by the mail address that is to be connected"
        placeholder="Google, Microsoft, anna@example.org …"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter takes the only one that is left, or the one that is called just so; the next Enter goes on.
          if (event.key !== 'Enter' || isAddress || meant === undefined || meant.id === form.values.provider) return
          event.preventDefault()
          choose(meant.id)
        }}
        maw={420}
        autoComplete="off"
      />
      {isAddress && <AddressProposal address={search.trim()} onChoose={choose} onPassword={keepPassword} />}
      {providers.data === undefined ? (
        <Skeleton h={150} aria-label="Loading" />
      ) : (
        <Radio.Group aria-label="Provider" value={form.values.provider} onChange={choose}>
          <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
            {shown.map((one) => (
              <ChoiceCard key={one.id} value={one.id} title={<bdi>{one.name}</bdi>} meaning={waysOf(one)} {...(one.own ? { badge: 'your own' } : {})} />
            ))}
          </SimpleGrid>
        </Radio.Group>
      )}
      <div aria-live="polite">
        {providers.data !== undefined && fitting.length === 0 && (
          <Group gap="xs">
            <Text size="sm">No provider is called like that.</Text>
            <Button size="compact-sm" variant="default" onClick={() => form.setValues({ source: 'issuer', provider: '' })}>
              Look it up by its issuer address
            </Button>
          </Group>
        )}
      </div>
      {fitting.length > shown.length && (
        <Button variant="default" size="xs" w="fit-content" onClick={() => setAll(true)}>
          Show all {fitting.length}
        </Button>
      )}
      {form.errors.provider !== undefined && <Input.Error role="alert">{form.errors.provider}</Input.Error>}
    </Stack>
  )
}

/** What many know, and what sends mail, is looked for most. */
const rank = (one: ProviderSummary): number => (one.sources ?? 0) + (one.sends_mail ? 8 : 0)

const isForPersons = (one: ProviderSummary): boolean => one.grants.includes('authorization_code') || one.grants.includes('device_code')

/** Before the whole description is there, the grants alone say whether anything works without a person. */
const firstFlow = (one: ProviderSummary) => (one.grants.includes('client_credentials') ? 'standard' : 'signed')

function waysOf(one: ProviderSummary): string {
  const person = isForPersons(one)
  const unattended = one.grants.includes('client_credentials') || one.grants.includes('jwt_bearer')
  return person && unattended ? 'With a person’s consent, or unattended' : person ? 'With a person’s consent' : 'Unattended'
}
