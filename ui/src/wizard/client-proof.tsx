import { PasswordInput, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { Provider, Registration } from '@keybearer/client'
import { SecretText } from '../elements/secret-text.tsx'
import { clientAuthTitles, wantsSecret, type ClientAuth } from './draft.ts'
import { useDraft } from './draft-form.ts'
import { SecretEnd } from './secret-end.tsx'
import { fieldHelp } from './field-help.ts'
import { effectiveAuth, needsKey } from './draft-send.ts'

const kept = 'Stored; leave it empty to keep it'

/** How the client proves who it is. What is stored is never shown again: an empty field keeps it. */
export function ClientProof({ provider, own }: { provider: Provider | null; own: Registration | null }) {
  const form = useDraft()
  const draft = form.values
  const auth = effectiveAuth(draft, provider)
  const offered = provider?.client_auth ?? (Object.keys(clientAuthTitles) as ClientAuth[])
  const methods = draft.flow === 'person' ? offered : offered.filter((one) => one !== 'none')
  const asked = methods.includes(auth) ? methods : [auth, ...methods]
  return (
    <Stack gap="md">
      {draft.flow !== 'google' && asked.length > 1 && (
        <Select
          label="Client authentication"
          description={clientAuthTitles[auth].meaning}
          data={asked.map((one) => ({ value: one, label: clientAuthTitles[one].title }))}
          value={auth}
          onChange={(value) => form.setFieldValue('clientAuth', value as ClientAuth)}
          allowDeselect={false}
          maw={480}
        />
      )}
      {draft.flow !== 'google' && asked.length === 1 && auth === 'none' && (
        <Text size="sm">This client has no secret: {clientAuthTitles.none.meaning.charAt(0).toLowerCase() + clientAuthTitles.none.meaning.slice(1)}</Text>
      )}
      {wantsSecret(auth) && (
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
          <PasswordInput
            label="Client secret"
            description={fieldHelp(provider, 'client_secret', 'Copy the value that was shown once when it was made.')}
            withAsterisk={own?.has_client_secret !== true}
            placeholder={own?.has_client_secret === true ? kept : undefined}
            autoComplete="off"
            {...form.getInputProps('clientSecret')}
          />
          <SecretEnd provider={provider} />
        </SimpleGrid>
      )}
      {needsKey(draft, provider) && (
        <>
          <SecretText
            label="Private key"
            description="In PEM form (PKCS #8): it begins with -----BEGIN PRIVATE KEY-----"
            required={own?.has_private_key !== true}
            placeholder={own?.has_private_key === true ? kept : '-----BEGIN PRIVATE KEY-----'}
            value={draft.privateKey}
            onChange={(text) => form.setFieldValue('privateKey', text)}
            error={form.errors.privateKey}
            data-path="privateKey"
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
            <TextInput
              label="Key ID"
              description="Only where the provider names the key, as Google does (private_key_id)."
              autoComplete="off"
              spellCheck={false}
              {...form.getInputProps('privateKeyId')}
            />
            {!wantsSecret(auth) && <SecretEnd provider={provider} ofKey />}
          </SimpleGrid>
          {draft.flow !== 'google' && (
            <Textarea
              label="Certificate"
              description={
                own?.certificate
                  ? `One is stored (SHA-256 ${own.certificate.thumbprint.slice(0, 16)}…, until ${own.certificate.expires_at.slice(0, 10)}). Leave it empty to keep it.`
                  : 'Where the provider wants one, as Microsoft does. It is public.'
              }
              placeholder="-----BEGIN CERTIFICATE-----"
              autosize
              minRows={2}
              maxRows={6}
              autoComplete="off"
              spellCheck={false}
              classNames={{ input: 'mono' }}
              {...form.getInputProps('certificate')}
            />
          )}
        </>
      )}
    </Stack>
  )
}
