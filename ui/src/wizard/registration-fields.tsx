import { Select, Stack, Text, TextInput } from '@mantine/core'
import type { Provider, Registration } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Notice } from '../elements/notice.tsx'
import { api } from '../api/client.ts'
import { ClientProof } from './client-proof.tsx'
import { useDraft } from './draft-form.ts'
import type { Stored } from './draft-send.ts'
import { fieldHelp } from './field-help.ts'
import { PlaceholderField } from './placeholder-field.tsx'
import { RedirectPanel } from './redirect-panel.tsx'

type Props = { provider: Provider | null; stored: Stored | null }

const fresh = 'new'

/** Which client Keybearer is at the provider: one that is known here already, or a new one. */
export function RegistrationFields({ provider, stored }: Props) {
  const form = useDraft()
  const { values } = form
  const registrations = useQuery({
    queryKey: ['registrations', 'of', values.provider],
    queryFn: async () => (await api.listRegistrations({ query: { limit: 500 } })).items.filter((one) => one.provider.id === values.provider),
    enabled: values.provider !== '' && values.file === null,
  })
  if (values.file !== null) {
    return (
      <Text size="sm">
        The client ID, and the secret or key, come from <bdi>{values.file.fileName}</bdi>.
      </Text>
    )
  }
  const known = registrations.data ?? []
  const chosen = known.find((one) => one.id === values.registration) ?? null
  const own = stored?.registration ?? null
  const isOther = values.registration !== '' && values.registration !== own?.id
  return (
    <Stack gap="md">
      {(known.length > 0 || own !== null) && (
        <Select
          label="Client registration"
          description="One registration at the provider can serve many credentials."
          data={[...(stored === null ? [{ value: fresh, label: 'A new one' }] : []), ...known.map((one) => ({ value: one.id, label: labelOf(one) }))]}
          value={values.registration === '' ? fresh : values.registration}
          onChange={(value) => form.setFieldValue('registration', value === fresh || value === null ? '' : value)}
          allowDeselect={false}
          searchable={known.length > 8}
          maw={480}
          disabled={registrations.isPending}
        />
      )}
      {isOther && chosen !== null && (
        <>
          <Text size="sm">
            Client <code className="mono">{chosen.client_id}</code>
            {Object.entries(chosen.placeholders).map(([name, value]) => (
              <span key={name}>
                , {name} <code className="mono">{value}</code>
              </span>
            ))}
            . Its secret is stored already.
          </Text>
          {values.flow === 'person' && stored === null && <RedirectPanel registration={chosen} provider={provider} />}
        </>
      )}
      {!isOther && <OwnFields provider={provider} own={own} />}
    </Stack>
  )
}

function OwnFields({ provider, own }: { provider: Provider | null; own: Registration | null }) {
  const form = useDraft()
  const others = own === null ? 0 : own.credentials - 1
  return (
    <>
      {others > 0 && (
        <Notice color="yellow">
          {others === 1 ? 'Another credential uses' : `${others} other credentials use`} this registration too. What you change of the client, changes for all
          of them.
        </Notice>
      )}
      {Object.entries(provider?.placeholders ?? {}).map(([name, rule]) => (
        <PlaceholderField key={name} name={name} rule={rule} />
      ))}
      <TextInput
        label="Client ID"
        description={fieldHelp(provider, 'client_id', 'The public name of the application that was registered at the provider.')}
        withAsterisk
        autoComplete="off"
        spellCheck={false}
        {...form.getInputProps('clientId')}
      />
      <ClientProof provider={provider} own={own} />
    </>
  )
}

const labelOf = (one: Registration): string => {
  const tenant = Object.values(one.placeholders)[0]
  return `${one.name}${tenant === undefined ? '' : ` (${tenant})`}`
}
