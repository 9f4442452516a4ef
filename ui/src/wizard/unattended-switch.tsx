import { Radio, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { ChoiceCard } from './choice-card.tsx'
import { useDraft } from './draft-form.ts'
import { flows, takesPersons, unattendedFlows, type Flow } from './flow.ts'

/** Whether a person signs in, or the service account works alone; and in which way. Fixed once the credential is made. */
export function UnattendedSwitch({ provider, fixed }: { provider: Provider | null; fixed: boolean }) {
  const form = useDraft()
  const { flow, file } = form.values
  const ways = unattendedFlows(provider)
  const on = flow !== 'person'
  const locked = fixed || file !== null || ways.length === 0 || !takesPersons(provider)
  const why = fixed
    ? 'This is fixed once a credential is made. Duplicate it to choose otherwise.'
    : file !== null
      ? 'The file that you chose decides this.'
      : ways.length === 0
        ? `${provider === null || provider.id === 'generic' ? 'This provider' : provider.name} has no way without a person.`
        : !takesPersons(provider)
          ? `${provider === null || provider.id === 'generic' ? 'This provider' : provider.name} has no page where a person could agree.`
          : 'Tokens come without anybody signing in. Needs a service account, or an application that an administrator approved.'
  const choose = (next: Flow) => form.setValues({ flow: next, scopes: [], clientAuth: '' })
  return (
    <Stack gap="sm">
      <Switch
        label="Unattended service account flow"
        description={why}
        checked={on}
        disabled={locked}
        // What cannot be chosen is still to be read.
        styles={{ label: { color: 'var(--mantine-color-text)' } }}
        onChange={(event) => choose(event.currentTarget.checked ? (ways[0] ?? 'standard') : 'person')}
      />
      {on && (ways.length > 1 || fixed) && (
        <Radio.Group label="Variant" value={flow} onChange={(value) => choose(value)}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" mt={6}>
            {(fixed || file !== null ? [flow] : ways).map((one) => (
              <ChoiceCard key={one} value={one} title={flows[one].title} meaning={flows[one].meaning} disabled={locked && one !== flow} />
            ))}
          </SimpleGrid>
        </Radio.Group>
      )}
      {on && ways.length === 1 && !fixed && (
        <Text size="sm">
          <b>{flows[flow].title}.</b> {flows[flow].meaning}
        </Text>
      )}
      {flows[flow].grant === 'jwt_bearer' && (
        <TextInput
          label="Act for"
          description="The mailbox or user on whose behalf the service account works. Leave it empty when it works for itself."
          placeholder="mailbox@example.org"
          autoComplete="off"
          {...form.getInputProps('actFor')}
        />
      )}
    </Stack>
  )
}
