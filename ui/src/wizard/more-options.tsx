import { Accordion, Stack, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { ListInput } from './list-input.tsx'
import { useDraft } from './draft-form.ts'

const own = ['audience', 'resource', 'authorizeParameters', 'tokenParameters', 'loginHint', 'assumedLifetime', 'hosts'] as const

/** What only few providers want. Open from the start where something is wrong in it. */
export function MoreOptions() {
  const form = useDraft()
  const [open, setOpen] = useState<string | null>(null)
  const wrong = own.some((field) => form.errors[field] !== undefined)
  const person = form.values.flow === 'person'
  return (
    <Accordion variant="contained" value={wrong ? 'more' : open} onChange={setOpen} order={3}>
      <Accordion.Item value="more">
        <Accordion.Control fz="sm">More: audience, resource, extra parameters, servers</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="md">
            <TextInput
              label="Audience"
              description="Whom the token is meant for, where the provider asks for it."
              autoComplete="off"
              {...form.getInputProps('audience')}
            />
            <ListInput label="Resource" description="Addresses of the services that the token is for (RFC 8707)." byBlank {...form.getInputProps('resource')} />
            {person && (
              <Textarea
                label="Extra parameters of the sign-in"
                description="One “name=value” per line, added to the address where a person consents."
                placeholder="prompt=select_account"
                autosize
                minRows={2}
                maxRows={6}
                spellCheck={false}
                {...form.getInputProps('authorizeParameters')}
              />
            )}
            <Textarea
              label="Extra parameters of the token request"
              description="One “name=value” per line. Never a secret: these are shown."
              autosize
              minRows={2}
              maxRows={6}
              spellCheck={false}
              {...form.getInputProps('tokenParameters')}
            />
            {person && (
              <TextInput
                label="Sign-in hint"
                description="Put into the provider’s sign-in page; the user, unless told."
                autoComplete="off"
                {...form.getInputProps('loginHint')}
              />
            )}
            <TextInput
              label="Life of an access token"
              description="Seconds, only for a provider that does not say it."
              inputMode="numeric"
              autoComplete="off"
              {...form.getInputProps('assumedLifetime')}
            />
            <ListInput
              label="Servers that tokens may be sent to"
              description="Host names. Those of the provider, unless told."
              byBlank
              {...form.getInputProps('hosts')}
            />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}
