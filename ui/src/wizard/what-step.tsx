import { Radio, SimpleGrid, Stack, Tabs, Text } from '@mantine/core'
import { IconShieldHalf } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Notice } from '../elements/notice.tsx'
import { ChoiceCard } from './choice-card.tsx'
import { useDraft } from './draft-form.ts'
import type { Draft } from './draft.ts'
import { GoogleFileDrop } from './google-file-drop.tsx'
import { IssuerLookup } from './issuer-lookup.tsx'
import { PopularChoice, popularConfigurations } from './popular-choice.tsx'
import { ProviderChoice } from './provider-choice.tsx'

/** Step 1: what kind of thing it is, and whose. */
export function WhatStep() {
  const form = useDraft()
  const { kind, source } = form.values
  const popular = useQuery(popularConfigurations).data?.enabled === true
  return (
    <Stack gap="lg">
      <Radio.Group label="What do you want to keep?" value={kind} onChange={(value) => form.setFieldValue('kind', value)}>
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm" mt={6}>
          <ChoiceCard value="oauth2" title="OAuth 2.0 account" meaning="Sign in once, or a service account. Tokens are renewed by themselves." />
          <ChoiceCard value="api_key" title="API key" meaning="One secret text that a service gave you." />
          <ChoiceCard value="basic" title="User name and password" badge="the weaker way" meaning="Only where nothing else is possible." />
        </SimpleGrid>
      </Radio.Group>
      {kind === 'basic' && (
        <Notice color="yellow" icon={<IconShieldHalf aria-hidden />} title="A password opens everything">
          It cannot be limited to one use, it does not expire by itself, and many providers have switched it off for mail. Take an OAuth 2.0 account where there
          is one.
        </Notice>
      )}
      {kind === 'oauth2' && (
        <div>
          <Text size="sm" fw={600} mb={6}>
            Whose account is it?
          </Text>
          <Tabs value={source} onChange={(value) => form.setValues(ofSource(value as Draft['source'], form.values))} keepMounted={false}>
            <Tabs.List aria-label="Whose account is it?">
              <Tabs.Tab value="list">From the list</Tabs.Tab>
              <Tabs.Tab value="issuer">By issuer address</Tabs.Tab>
              <Tabs.Tab value="file">From a JSON file</Tabs.Tab>
              <Tabs.Tab value="generic">Another one</Tabs.Tab>
              {popular && <Tabs.Tab value="popular">With a known application</Tabs.Tab>}
            </Tabs.List>
            <Tabs.Panel value="list" pt="md">
              <ProviderChoice />
            </Tabs.Panel>
            <Tabs.Panel value="issuer" pt="md">
              <IssuerLookup />
            </Tabs.Panel>
            <Tabs.Panel value="file" pt="md">
              <GoogleFileDrop />
            </Tabs.Panel>
            <Tabs.Panel value="popular" pt="md">
              <PopularChoice />
            </Tabs.Panel>
            <Tabs.Panel value="generic" pt="md">
              <Text size="sm" maw={640}>
                For any provider that speaks OAuth 2.0. In the next step you enter its addresses, which its documentation names: at least the token address, and
                the authorization address where a person signs in. If the provider has an issuer address, “By issuer address” finds them for you.
              </Text>
            </Tabs.Panel>
          </Tabs>
        </div>
      )}
    </Stack>
  )
}

/** Another source means another provider: what belonged to the one before goes with it. */
function ofSource(source: Draft['source'], draft: Draft): Partial<Draft> {
  const provider = source === 'generic' ? 'generic' : source === 'file' && draft.file !== null ? 'google' : ''
  return {
    source,
    provider,
    registration: '',
    popular: '',
    placeholders: {},
    clientAuth: '',
    scopes: [],
    ...(source === 'file' ? {} : { file: null, flow: 'person' as const, ...(draft.file === null && draft.popular === '' ? {} : { clientId: '' }) }),
  }
}
