import { Button, Group, List, Stack, Text, TextInput } from '@mantine/core'
import type { DiscoveredProvider, Provider } from '@keybearer/client'
import { IconCheck } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Notice } from '../elements/notice.tsx'
import { api, newIdempotencyKey } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { allProviders } from '../providers/all-providers.ts'
import { useDraft } from './draft-form.ts'
import { EndpointFacts } from './endpoint-facts.tsx'

/** Finds a provider by its issuer address, shows what was found, and keeps it as a provider of one's own. */
export function IssuerLookup() {
  const form = useDraft()
  const queries = useQueryClient()
  const [issuer, setIssuer] = useState('')
  const [name, setName] = useState('')
  const providers = useQuery(allProviders)
  const look = useMutation({
    mutationFn: (address: string) => api.discoverProvider({ body: { issuer: address } }),
    onSuccess: (found) => setName(found.description.name),
  })
  const known = providers.data?.items.find((one) => one.id === look.data?.description.id)
  const take = useMutation({
    mutationFn: async (description: Provider) => {
      if (known !== undefined) return known.id
      return (await api.createProvider({ body: { ...description, name: name.trim() || description.name }, idempotencyKey: newIdempotencyKey() })).id
    },
    onSuccess: async (id) => {
      await queries.invalidateQueries({ queryKey: ['providers'] })
      form.setValues({ provider: id, registration: '', placeholders: {}, clientAuth: '', scopes: [] })
    },
  })
  const address = issuer.trim()
  const wrong = address !== '' && !URL.canParse(address) ? 'A whole address, such as https://login.example.org' : null
  const search = () => {
    if (address === '' || wrong !== null) return
    form.setFieldValue('provider', '')
    look.mutate(address)
  }
  const taken = form.values.provider !== '' && look.data !== undefined
  return (
    <Stack gap="md" maw={720}>
      <Group align="flex-end" gap="sm">
        <TextInput
          label="Issuer address"
          description="The name that the provider gives itself; its documentation calls it issuer, authority or discovery address."
          placeholder="https://login.example.org"
          value={issuer}
          onChange={(event) => setIssuer(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || taken) return
            event.preventDefault()
            search()
          }}
          error={wrong ?? form.errors.provider}
          flex="1 1 18rem"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
        />
        <Button variant="default" onClick={search} loading={look.isPending} disabled={address === '' || wrong !== null}>
          Look it up
        </Button>
      </Group>
      <ProblemNotice error={look.error} title="Nothing usable was found there" />
      {look.data !== undefined && !look.isPending && (
        <>
          <Found found={look.data} />
          <Group align="flex-end" gap="sm">
            <TextInput
              label="Name of this provider"
              value={known?.name ?? name}
              onChange={(event) => setName(event.currentTarget.value)}
              readOnly={known !== undefined}
              flex="1 1 14rem"
              maxLength={100}
            />
            <Button
              onClick={() => take.mutate(look.data.description)}
              loading={take.isPending}
              disabled={taken}
              leftSection={taken ? <IconCheck size={16} aria-hidden /> : undefined}
            >
              {taken ? 'Chosen' : known === undefined ? 'Use this provider' : 'Use the one that is known'}
            </Button>
          </Group>
          {known !== undefined && !taken && <Text size="sm">A provider with this address is known already, as “{known.name}”.</Text>}
          <ProblemNotice error={take.error} />
        </>
      )}
      <Text size="sm" role="status">
        {taken ? 'It is kept under Providers, and chosen for this credential. Go on.' : ''}
      </Text>
    </Stack>
  )
}

function Found({ found }: { found: DiscoveredProvider }) {
  return (
    <Stack gap="sm">
      <EndpointFacts provider={found.description} placeholders={{}} title="This was found" />
      {found.warnings.length > 0 && (
        <Notice color="yellow" title="Worth knowing">
          <List size="sm">
            {found.warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Notice>
      )}
    </Stack>
  )
}
