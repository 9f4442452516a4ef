import { Button, Drawer, FileInput, Group, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Registration, RegistrationChange } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, etag, isConflict } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ConflictNotice, type Difference } from '../elements/conflict-notice.tsx'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { tell } from '../elements/tell.ts'
import { clientAuthWords } from './registration-words.tsx'

type Values = {
  name: string
  client_id: string
  client_auth: string
  placeholders: Record<string, string>
  client_secret: string
  private_key: File | null
  private_key_id: string
  certificate: File | null
  expires_on: string
}

const dateOf = (iso: string | null): string => iso?.slice(0, 10) ?? ''

const valuesOf = (registration: Registration): Values => ({
  name: registration.name,
  client_id: registration.client_id,
  client_auth: registration.client_auth,
  placeholders: { ...registration.placeholders },
  client_secret: '',
  private_key: null,
  private_key_id: registration.private_key_id ?? '',
  certificate: null,
  expires_on: dateOf(registration.secret_expires_at),
})

/** What differs from the registration as it was opened; nothing else is sent. */
async function changeOf(base: Registration, values: Values): Promise<RegistrationChange> {
  const before = valuesOf(base)
  return {
    ...(values.name === before.name ? {} : { name: values.name }),
    ...(values.client_id === before.client_id ? {} : { client_id: values.client_id.trim() }),
    ...(values.client_auth === before.client_auth ? {} : { client_auth: values.client_auth as Registration['client_auth'] }),
    ...(JSON.stringify(values.placeholders) === JSON.stringify(before.placeholders) ? {} : { placeholders: values.placeholders }),
    ...(values.client_secret === '' ? {} : { client_secret: values.client_secret }),
    ...(values.private_key === null ? {} : { private_key: await values.private_key.text() }),
    ...(values.private_key_id === before.private_key_id ? {} : { private_key_id: values.private_key_id }),
    ...(values.certificate === null ? {} : { certificate: await values.certificate.text() }),
    ...(values.expires_on === before.expires_on || values.expires_on === '' ? {} : { secret_expires_at: `${values.expires_on}T00:00:00Z` }),
  }
}

const differencesOf = (before: Registration, now: Registration): Difference[] =>
  (
    [
      ['Name', before.name, now.name],
      ['Client ID', before.client_id, now.client_id],
      ['Proves itself by', clientAuthWords[before.client_auth], clientAuthWords[now.client_auth]],
      ['Secret ends', dateOf(before.secret_expires_at), dateOf(now.secret_expires_at)],
    ] as const
  )
    .filter(([, one, other]) => one !== other)
    .map(([field, one, other]) => ({ field, before: one, now: other }))

/** Changes a registration, or gives it a new secret. Credentials that waited for it try again by themselves. */
export function EditRegistration({ registration, opened, onClose }: { registration: Registration; opened: boolean; onClose: () => void }) {
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size="lg" title={`Edit “${registration.name}”`} closeButtonProps={{ 'aria-label': 'Close' }}>
      {opened && <EditForm registration={registration} onClose={onClose} />}
    </Drawer>
  )
}

function EditForm({ registration, onClose }: { registration: Registration; onClose: () => void }) {
  const [base, setBase] = useState(registration)
  const form = useForm<Values>({ initialValues: valuesOf(registration) })
  const provider = useQuery({
    queryKey: ['providers', 'one', registration.provider.id],
    queryFn: () => api.getProvider({ params: { provider: registration.provider.id } }),
    staleTime: 300_000,
  })
  const description = provider.data?.description
  const save = useMutation({
    mutationFn: async () =>
      await api.changeRegistration({ params: { registration: base.id }, body: await changeOf(base, form.values), ifMatch: etag(base.revision) }),
    onSuccess: (changed) => {
      queryClient.setQueryData(['registrations', 'one', registration.id], changed)
      void queryClient.invalidateQueries({ queryKey: ['registrations'] })
      tell(`“${changed.name}” is saved.`)
      onClose()
    },
    onError: (error) => {
      form.setErrors(formErrors(error))
      if (isConflict(error)) void queryClient.invalidateQueries({ queryKey: ['registrations', 'one', registration.id] })
    },
  })
  useEffect(() => {
    // A secret never outlives the form.
    return () => save.reset()
  }, [])
  const bySecret = form.values.client_auth.startsWith('client_secret')
  const byKey = form.values.client_auth === 'private_key_jwt'
  const methods = [...new Set([...(description?.client_auth ?? []), registration.client_auth])]
  const losesSecret = form.values.client_id !== base.client_id && form.values.client_secret === '' && base.has_client_secret
  return (
    <form onSubmit={form.onSubmit(() => save.mutate())}>
      <Stack>
        <TextInput label="Name" required maxLength={200} {...form.getInputProps('name')} />
        <TextInput label="Client ID" required classNames={{ input: 'mono' }} spellCheck={false} {...form.getInputProps('client_id')} />
        {Object.keys({ ...description?.placeholders, ...base.placeholders }).map((name) => {
          const about = description?.placeholders[name]
          return (
            <TextInput
              key={name}
              label={about?.title ?? name}
              description={about?.meaning}
              placeholder={about?.example}
              {...form.getInputProps(`placeholders.${name}`)}
            />
          )
        })}
        <Select
          label="Proves itself by"
          data={methods.map((value) => ({ value, label: clientAuthWords[value] }))}
          allowDeselect={false}
          {...form.getInputProps('client_auth')}
        />
        {bySecret && (
          <PasswordInput
            label="New client secret"
            description={base.has_client_secret ? 'Left empty, the one that is stored stays. It is never shown.' : 'None is stored yet.'}
            autoComplete="off"
            spellCheck={false}
            error={losesSecret ? 'Another client ID has another secret: give it too' : undefined}
            {...form.getInputProps('client_secret')}
          />
        )}
        {byKey && (
          <>
            <FileInput
              label="New private key"
              description="A file in PEM form (PKCS #8). Left empty, the one that is stored stays."
              placeholder={base.has_private_key ? 'Keep the stored one' : 'Choose a file'}
              accept=".pem,.key"
              clearable
              {...form.getInputProps('private_key')}
            />
            <TextInput label="Key ID" description="As the provider names the key, if it does (kid)" {...form.getInputProps('private_key_id')} />
            <FileInput
              label="Certificate of the key"
              description="In PEM form, where the provider wants one, as Microsoft does"
              placeholder="Choose a file"
              accept=".pem,.crt,.cer"
              clearable
              {...form.getInputProps('certificate')}
            />
          </>
        )}
        {bySecret && (
          <TextInput
            type="date"
            label="The secret ends on"
            description="As the provider says, so that somebody is told in time"
            {...form.getInputProps('expires_on')}
            error={form.errors.secret_expires_at}
          />
        )}
        {isConflict(save.error) ? (
          <ConflictNotice
            what="registration"
            differences={differencesOf(base, registration)}
            onTake={() => {
              const before = valuesOf(base)
              const now = valuesOf(registration)
              for (const name of Object.keys(now) as (keyof Values)[])
                if (JSON.stringify(form.values[name]) === JSON.stringify(before[name])) form.setFieldValue(name, now[name])
              setBase(registration)
              save.reset()
            }}
          />
        ) : (
          <FormProblem error={save.error} fields={[...Object.keys(form.values), 'secret_expires_at']} />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
