import { Checkbox, Group, List, SimpleGrid, Stack, Text } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { Notice } from '../elements/notice.tsx'
import { ListInput } from './list-input.tsx'
import { useDraft } from './draft-form.ts'
import { EndpointFacts } from './endpoint-facts.tsx'
import { grantOf } from './flow.ts'
import { withoutPerson } from './draft.ts'
import { InTesting } from './in-testing.tsx'
import { MoreOptions } from './more-options.tsx'
import styles from './choice-card.module.css'
import { spokenName } from './provider-name.ts'

/** Step 3: where things go, as facts, and what the credential may do there. */
export function ScopesStep({ provider }: { provider: Provider | null }) {
  const form = useDraft()
  const { scopes, flow, placeholders } = form.values
  const grant = grantOf(flow, provider)
  const sets = (provider?.scope_sets ?? [])
    .filter((set) => set.grants === undefined || set.grants.includes(grant))
    .map((set) => ({ ...set, scopes: flow === 'person' ? set.scopes : withoutPerson(set.scopes) }))
  const has = (set: { scopes: string[] }) => set.scopes.every((scope) => scopes.includes(scope))
  const toggle = (set: { scopes: string[] }) => {
    if (!has(set)) {
      form.setFieldValue('scopes', flow === 'microsoft' ? set.scopes : [...new Set([...scopes, ...set.scopes])])
      return
    }
    const needed = new Set(sets.filter((one) => one !== set && has(one)).flatMap((one) => one.scopes))
    form.setFieldValue(
      'scopes',
      scopes.filter((scope) => needed.has(scope) || !set.scopes.includes(scope)),
    )
  }
  return (
    <Stack gap="lg">
      {provider !== null && <EndpointFacts provider={provider} placeholders={placeholders} title={`Addresses of ${spokenName(provider)}`} />}
      {sets.length > 0 && (
        <Checkbox.Group label="What should it be able to do?" value={sets.filter(has).map((set) => set.title)}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" mt={6}>
            {sets.map((set) => (
              <Checkbox.Card key={set.title} value={set.title} onClick={() => toggle(set)} className={styles.card} p="sm">
                <Group wrap="nowrap" align="flex-start" gap="sm">
                  <Checkbox.Indicator size="sm" mt={2} />
                  <span className={styles.text}>
                    <Text span size="sm" fw={600} display="block">
                      {set.title}
                    </Text>
                    <Text span size="xs" c="dimmed" display="block" mt={2}>
                      {set.meaning}
                    </Text>
                  </span>
                </Group>
              </Checkbox.Card>
            ))}
          </SimpleGrid>
        </Checkbox.Group>
      )}
      <ListInput
        label="Scopes"
        description="What the token may do, in the provider’s own words. Type or paste them, separated by commas, spaces or new lines."
        placeholder={scopes.length === 0 ? 'None: the provider decides' : undefined}
        byBlank
        clearable
        clearButtonProps={{ 'aria-label': 'Take all scopes out' }}
        {...form.getInputProps('scopes')}
      />
      <ScopeMeanings provider={provider} scopes={scopes} />
      {provider?.offline_hint !== undefined && flow === 'person' && (
        <Notice color="gray" variant="light">
          To stay connected: {provider.offline_hint}
        </Notice>
      )}
      {flow === 'person' && <InTesting provider={provider} />}
      <MoreOptions />
    </Stack>
  )
}

/** What the chosen scopes allow, as far as it is known. */
function ScopeMeanings({ provider, scopes }: { provider: Provider | null; scopes: string[] }) {
  const known = (provider?.scopes ?? []).filter(({ scope }) => scopes.includes(scope))
  if (known.length === 0) return null
  return (
    <List size="sm" aria-label="What these scopes allow">
      {known.map(({ scope, meaning }) => (
        <List.Item key={scope}>
          <span className="mono">{scope}</span>: {meaning}
        </List.Item>
      ))}
    </List>
  )
}
