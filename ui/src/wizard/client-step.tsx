import { Fieldset, Stack, TextInput } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { Notice } from '../elements/notice.tsx'
import { suggestName } from './draft.ts'
import { useDraft } from './draft-form.ts'
import type { Stored } from './draft-send.ts'
import { NameField } from './name-field.tsx'
import { RedirectPanel, OutsideLink } from './redirect-panel.tsx'
import { RegistrationFields } from './registration-fields.tsx'
import { UnattendedSwitch } from './unattended-switch.tsx'
import { spokenName } from './provider-name.ts'

type Props = { provider: Provider | null; stored: Stored | null; justMade?: boolean }

/** Step 2 of an OAuth account: who signs in, and which client Keybearer is at the provider. */
export function ClientStep({ provider, stored, justMade = false }: Props) {
  const form = useDraft()
  const { flow } = form.values
  const registration = stored?.registration ?? null
  return (
    <Stack gap="lg">
      {justMade && (
        <Notice color="pine" role="status" title="It is saved, and can be finished any time">
          {registration !== null && flow === 'person' ? 'Now copy the redirect URI to the provider, then go on.' : 'Go on with the scopes.'}
        </Notice>
      )}
      {registration !== null && flow === 'person' && form.values.registration === registration.id && (
        <RedirectPanel registration={registration} provider={provider} />
      )}
      <Fieldset legend="Account">
        <Stack gap="md">
          <UnattendedSwitch provider={provider} fixed={stored !== null} />
          <TextInput
            label="User"
            description={
              flow === 'person'
                ? 'Who will sign in, mostly an e-mail address. Leave it empty to learn it at the sign-in.'
                : 'Shown in the list, and taken as the mailbox where mail is sent.'
            }
            placeholder="anna@example.org"
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps('username')}
          />
        </Stack>
      </Fieldset>
      <Fieldset legend={`Client at ${spokenName(provider)}`}>
        <Stack gap="md">
          <OutsideLink href={provider?.docs_url} title={`How ${spokenName(provider)} describes it`} />
          <RegistrationFields provider={provider} stored={stored} />
        </Stack>
      </Fieldset>
      {stored === null && (
        <>
          <NameField suggestion={suggestName(form.values, provider)} />
          {form.errors.registrationName !== undefined && (
            <TextInput label="Name of the registration" description="The same as the credential, unless told." {...form.getInputProps('registrationName')} />
          )}
        </>
      )}
    </Stack>
  )
}
