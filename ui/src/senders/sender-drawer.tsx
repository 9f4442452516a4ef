import { Button, Checkbox, Collapse, Drawer, Group, NumberInput, Select, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Credential, Sender, SenderChange } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, etag, isConflict } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ConflictNotice } from '../elements/conflict-notice.tsx'
import { CredentialSelect } from '../elements/credential-select.tsx'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { tell } from '../elements/tell.ts'
import { FromRules } from './from-rules.tsx'
import { differencesOf, requestOf, valuesOf, type SenderValues } from './sender-values.ts'
import { kindWords, mechanismWords, tlsHints, usualPort } from './sender-words.ts'

type Props = { sender: Sender | null; opened: boolean; isFirst: boolean; onClose: () => void; onTest: (sender: Sender) => void }

/** Makes a sender, or changes one. */
export function SenderDrawer({ sender, opened, isFirst, onClose, onTest }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title={sender === null ? 'New sender' : `Edit “${sender.name}”`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <SenderForm key={sender?.id ?? 'new'} sender={sender} isFirst={isFirst} onClose={onClose} onTest={onTest} />}
    </Drawer>
  )
}

type Preset = { host: string; port: number; tls: 'implicit' | 'starttls' }

function SenderForm({ sender, isFirst, onClose, onTest }: Omit<Props, 'opened'>) {
  const [base, setBase] = useState(sender)
  const [credential, setCredential] = useState<Credential | null>(null)
  const keyOf = useIdempotencyKey()
  const form = useForm<SenderValues>({ initialValues: valuesOf(sender, isFirst) })
  const values = form.values
  const provider = useQuery({
    queryKey: ['providers', 'one', credential?.provider?.id],
    queryFn: () => api.getProvider({ params: { provider: credential!.provider!.id } }),
    enabled: credential?.provider != null,
    staleTime: 300_000,
  })
  const presets: Preset[] = provider.data?.description.mail?.smtp ?? []
  const takePreset = (preset: Preset) => form.setValues({ host: preset.host, port: preset.port, tls: preset.tls })
  useEffect(() => {
    // A mail server that somebody typed stays.
    if (values.host === '' && presets[0] !== undefined) takePreset(presets[0])
  }, [presets.length])
  const [hasMore, setHasMore] = useState(sender?.ca != null || (sender !== null && sender.mechanism !== 'auto' && sender.mechanism !== 'none'))

  const save = useMutation({
    mutationFn: (_next: { thenTest: boolean }) =>
      base === null
        ? api.createSender({ body: requestOf(values), idempotencyKey: keyOf(requestOf(values)) })
        : api.changeSender({ params: { sender: base.id }, body: changeOf(base, values), ifMatch: etag(base.revision) }),
    onSuccess: (saved, { thenTest }) => {
      void queryClient.invalidateQueries({ queryKey: ['senders'] })
      tell(`“${saved.name}” is saved.`)
      if (thenTest) onTest(saved)
      else onClose()
    },
    onError: (error) => {
      const errors = formErrors(error)
      form.setErrors(errors)
      if ('ca' in errors || 'mechanism' in errors) setHasMore(true)
      if (isConflict(error)) void queryClient.invalidateQueries({ queryKey: ['senders'] })
    },
  })
  const pick = (id: string | null, picked: Credential | null) => {
    form.setFieldValue('credential', id)
    setCredential(picked)
    if (picked === null) return
    if (values.name === '') form.setFieldValue('name', picked.name)
    if (values.from === '' && picked.username?.includes('@') === true) form.setFieldValue('from', picked.username)
  }
  return (
    <form onSubmit={form.onSubmit(() => save.mutate({ thenTest: false }))}>
      <Stack>
        <CredentialSelect
          label="Credential"
          description="Keybearer logs in at the mail server with it. Empty: without a login, as some servers on this machine allow."
          placeholder="Choose one"
          value={values.credential}
          onPick={pick}
          clearable
          error={form.errors.credential}
        />
        {base === null && (
          <Select
            label="Sends through"
            description={values.kind === 'smtp' ? undefined : 'Its address is known from the provider of the credential'}
            data={Object.entries(kindWords).map(([value, label]) => ({ value, label }))}
            allowDeselect={false}
            {...form.getInputProps('kind')}
          />
        )}
        {values.kind === 'smtp' && presets.length > 0 && (
          <Group gap="xs" role="group" aria-label={`Mail servers of ${credential?.provider?.name}`}>
            <Text size="sm">{credential?.provider?.name}:</Text>
            {presets.map((preset) => (
              <Button key={`${preset.host}:${preset.port}`} size="compact-sm" variant="light" onClick={() => takePreset(preset)}>
                {preset.host}, port {preset.port}
              </Button>
            ))}
          </Group>
        )}
        <TextInput label="Name" description="How programs name this sender" required maxLength={200} {...form.getInputProps('name')} />
        {values.kind === 'smtp' && (
          <>
            <TextInput label="Mail server" placeholder="smtp.example.org" required spellCheck={false} autoCapitalize="off" {...form.getInputProps('host')} />
            <div>
              <Text size="sm" fw={600} id="sender-tls" mb={4}>
                Encryption
              </Text>
              <SegmentedControl
                aria-labelledby="sender-tls"
                fullWidth
                orientation="horizontal"
                data={(['starttls', 'implicit', 'none'] as const).map((value) => ({
                  value,
                  label: { starttls: 'STARTTLS', implicit: 'TLS', none: 'None' }[value],
                }))}
                value={values.tls}
                onChange={(tls) => {
                  const next = tls
                  // A port that somebody chose stays.
                  if (values.port === usualPort[values.tls]) form.setFieldValue('port', usualPort[next])
                  form.setFieldValue('tls', next)
                }}
              />
              <Text size="xs" c="dimmed" mt={4}>
                {tlsHints[values.tls]}
              </Text>
            </div>
            <NumberInput label="Port" min={1} max={65535} allowDecimal={false} hideControls required {...form.getInputProps('port')} />
          </>
        )}
        <TextInput
          label="Send as"
          description="The address that recipients see"
          placeholder="anna@example.org"
          required
          autoComplete="off"
          {...form.getInputProps('from')}
        />
        <TextInput
          label="Display name"
          description="Recipients see it with the address; may be empty"
          placeholder="Night reports"
          {...form.getInputProps('from_name')}
        />
        <TextInput
          label="Log in as"
          description="The account of the credential, unless told: another one for a shared mailbox"
          placeholder={credential?.username ?? ''}
          autoComplete="off"
          {...form.getInputProps('login')}
        />
        <Checkbox
          label="The default: mail that names no sender goes through this one"
          disabled={base?.is_default === true}
          {...form.getInputProps('is_default', { type: 'checkbox' })}
        />
        <FromRules
          takes={{
            value: values.takes_from,
            onChange: (value) => form.setFieldValue('takes_from', value),
            error: Object.entries(form.errors).find(([path]) => path.startsWith('takes_from'))?.[1],
          }}
          foreign={{ value: values.foreign_from, onChange: (value) => form.setFieldValue('foreign_from', value) }}
        />
        {values.kind === 'smtp' && (
          <>
            <Button variant="subtle" size="compact-sm" w="fit-content" aria-expanded={hasMore} onClick={() => setHasMore(!hasMore)}>
              {hasMore ? 'Less' : 'Way of login, own certificate authority'}
            </Button>
            <Collapse expanded={hasMore}>
              <Stack>
                <Select
                  label="Way of login"
                  description={values.credential === null ? 'Without a credential there is no login' : undefined}
                  disabled={values.credential === null}
                  data={Object.entries(mechanismWords).map(([value, label]) => ({ value, label }))}
                  allowDeselect={false}
                  {...form.getInputProps('mechanism')}
                />
                <Textarea
                  label="Certificate of an own certificate authority"
                  description="In PEM form; only for servers whose certificate no public authority has signed"
                  autosize
                  minRows={2}
                  maxRows={8}
                  spellCheck={false}
                  {...form.getInputProps('ca')}
                />
              </Stack>
            </Collapse>
          </>
        )}
        {isConflict(save.error) && base !== null && sender !== null ? (
          <ConflictNotice
            what="sender"
            differences={differencesOf(base, sender)}
            onTake={() => {
              const before = valuesOf(base, false)
              const now = valuesOf(sender, false)
              for (const name of Object.keys(now) as (keyof SenderValues)[]) if (form.values[name] === before[name]) form.setFieldValue(name, now[name])
              setBase(sender)
              save.reset()
            }}
          />
        ) : (
          <FormProblem error={save.error} fields={Object.keys(values)} />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            variant="default"
            loading={save.isPending && save.variables.thenTest}
            onClick={() => {
              if (!form.validate().hasErrors) save.mutate({ thenTest: true })
            }}
          >
            Save and test
          </Button>
          <Button type="submit" loading={save.isPending && !save.variables.thenTest}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Only what differs is sent: two persons who change different fields do not undo each other. */
function changeOf(base: Sender, values: SenderValues): SenderChange {
  const before = requestOf(valuesOf(base, false))
  return Object.fromEntries(
    Object.entries(requestOf(values)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof typeof before])),
  ) as SenderChange
}
