import { Anchor, Button, Drawer, Group, JsonInput, List, Stack, Tabs, Text, TextInput } from '@mantine/core'
import type { NewProvider, ProviderDetails } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { fieldErrors, ProblemNotice } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { withoutDefaults } from './description-text.ts'
import { exampleDescription } from './provider-words.ts'

type Props = { provider: ProviderDetails | null; opened: boolean; onClose: () => void }

/** Makes a provider of one's own, by its issuer address or by hand, or changes one. */
export function ProviderDrawer({ provider, opened, onClose }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="xl"
      title={provider === null ? 'New provider' : `Edit “${provider.name}”`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <ProviderForm provider={provider} onClose={onClose} />}
    </Drawer>
  )
}

function ProviderForm({ provider, onClose }: Omit<Props, 'opened'>) {
  const [way, setWay] = useState<string | null>(provider === null ? 'issuer' : 'hand')
  const [text, setText] = useState(provider === null ? exampleDescription : withoutDefaults(provider.description))
  const [warnings, setWarnings] = useState<string[] | null>(null)
  if (provider !== null) return <DescriptionForm provider={provider} text={text} onText={setText} warnings={null} onClose={onClose} />
  return (
    <Tabs value={way} onChange={setWay}>
      <Tabs.List mb="md">
        <Tabs.Tab value="issuer">By its issuer address</Tabs.Tab>
        <Tabs.Tab value="hand">By hand</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="issuer">
        <IssuerForm
          onFound={(found, remarks) => {
            setText(found)
            setWarnings(remarks)
            setWay('hand')
          }}
        />
      </Tabs.Panel>
      <Tabs.Panel value="hand">
        <DescriptionForm provider={null} text={text} onText={setText} warnings={warnings} onClose={onClose} />
      </Tabs.Panel>
    </Tabs>
  )
}

function IssuerForm({ onFound }: { onFound: (text: string, warnings: string[]) => void }) {
  const [issuer, setIssuer] = useState('')
  const [name, setName] = useState('')
  const find = useMutation({
    mutationFn: () => api.discoverProvider({ body: { issuer: issuer.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) } }),
    onSuccess: ({ description, warnings }) => onFound(withoutDefaults(description), warnings),
  })
  const errors = fieldErrors(find.error)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        find.mutate()
      }}
    >
      <Stack>
        <Text size="sm">
          Providers that speak OpenID Connect describe themselves. Keybearer asks for that description and shows it; nothing is stored before you have looked at
          it.
        </Text>
        <TextInput
          label="Issuer address"
          description="As its documentation names it; often the address of the sign-in page"
          placeholder="https://login.example.org"
          value={issuer}
          onChange={(event) => setIssuer(event.currentTarget.value)}
          error={errors.issuer}
          spellCheck={false}
          autoCapitalize="off"
          required
          data-autofocus
        />
        <TextInput
          label="Name"
          description="Made from the address unless told"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errors.name}
        />
        <FormProblem error={find.error} fields={['issuer', 'name']} />
        <Button type="submit" w="fit-content" loading={find.isPending}>
          Ask for the description
        </Button>
      </Stack>
    </form>
  )
}

type DescriptionProps = {
  provider: ProviderDetails | null
  text: string
  onText: (text: string) => void
  /** Null where nothing was discovered. */
  warnings: string[] | null
  onClose: () => void
}

function DescriptionForm({ provider, text, onText, warnings, onClose }: DescriptionProps) {
  const navigate = useNavigate()
  const keyOf = useIdempotencyKey()
  const parsed = parse(text)
  const save = useMutation({
    mutationFn: (description: NewProvider) =>
      provider === null
        ? api.createProvider({ body: description, idempotencyKey: keyOf(description) })
        : api.replaceProvider({ params: { provider: provider.id }, body: description }),
    onSuccess: (saved) => {
      queryClient.setQueryData(['providers', 'one', saved.id], saved)
      void queryClient.invalidateQueries({ queryKey: ['providers'] })
      tell(`“${saved.name}” is saved.`)
      onClose()
      if (provider === null) void navigate({ to: '/providers/$provider', params: { provider: saved.id } as never })
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (parsed !== null) save.mutate(parsed)
      }}
    >
      <Stack>
        {warnings !== null && (
          <MessageBox tone={warnings.length > 0 ? 'warning' : 'good'} title="This is what it says of itself">
            {warnings.length === 0 ? (
              <Text size="sm">Look at the scopes and at the hosts that tokens may be sent to; then save.</Text>
            ) : (
              <List size="sm">
                {warnings.map((warning) => (
                  <List.Item key={warning}>{warning}</List.Item>
                ))}
              </List>
            )}
          </MessageBox>
        )}
        <JsonInput
          label="Description"
          description={
            <>
              As JSON. Addresses, grants, ways to prove the client, scopes, and <code>hosts</code>: where tokens may be sent to. All fields stand in the{' '}
              <Anchor href="/openapi.json" target="_blank" size="xs" underline="always">
                description of the API
              </Anchor>{' '}
              under “NewProvider”.
            </>
          }
          value={text}
          onChange={onText}
          validationError="This is no JSON yet"
          error={parsed === null && text.trim() !== '' ? 'This is no JSON yet' : undefined}
          autosize
          minRows={14}
          maxRows={28}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          required
        />
        {provider !== null && (
          <Text size="sm" c="dimmed">
            Registrations keep the description that they were made with; new ones get this.
          </Text>
        )}
        <ProblemNotice error={save.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={parsed === null}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** What was typed, when it is a JSON object at all; what may stand in it says the service. */
function parse(text: string): NewProvider | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as NewProvider) : null
  } catch {
    return null
  }
}
