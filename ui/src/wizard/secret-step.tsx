import { PasswordInput, Stack, TextInput } from '@mantine/core'
import { ListInput } from './list-input.tsx'
import { useDraft } from './draft-form.ts'
import type { Stored } from './draft-send.ts'
import { NameField } from './name-field.tsx'
import { suggestName } from './draft.ts'

/** Step 2 of an API key, and of user name and password. */
export function SecretStep({ stored }: { stored: Stored | null }) {
  const form = useDraft()
  const { kind } = form.values
  const has = stored?.credential.has_secret === true
  return (
    <Stack gap="md">
      {kind === 'basic' && <TextInput label="User name" withAsterisk autoComplete="off" spellCheck={false} {...form.getInputProps('username')} />}
      <PasswordInput
        label={kind === 'api_key' ? 'API key' : 'Password'}
        withAsterisk={!has}
        placeholder={has ? 'Stored; leave it empty to keep it' : undefined}
        autoComplete="new-password"
        {...form.getInputProps('secret')}
      />
      <ListInput
        label="Servers it may be sent to"
        description="Host names, such as api.example.org or *.example.org. It goes nowhere else; without one, only a program that asks for the token itself gets it."
        byBlank
        {...form.getInputProps('hosts')}
      />
      {kind === 'api_key' && (
        <TextInput label="Account" description="Whose key it is, if that helps you find it." autoComplete="off" {...form.getInputProps('username')} />
      )}
      {stored === null && <NameField suggestion={suggestName(form.values, null)} />}
    </Stack>
  )
}
