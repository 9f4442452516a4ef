import { Button, Checkbox, Drawer, Group, Modal, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import type { MadeAccessKey, NewAccessKey } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { focusFirstMistake } from '../elements/first-mistake.ts'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { ShownOnce } from '../elements/shown-once.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { ActionField } from './action-field.tsx'
import { MailLimitFields, mailLimitsOf, noLimits, type MailLimitDraft } from './mail-limit-fields.tsx'
import { PermissionFields, type PermissionDraft } from './permission-fields.tsx'
import { administrations, type Administration } from './rights.ts'

const day = 86_400_000
const expiries = [
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'day', label: 'On a certain day' },
  { value: 'never', label: 'Never' },
]

type Values = {
  name: string
  permissions: PermissionDraft[]
  actions: string[]
  administration: Administration[]
  networks: string[]
  limits: MailLimitDraft
  expiry: string
  expires_on: string
  isDelivered: boolean
}

const blank = (): Values => ({
  name: '',
  permissions: [{ key: 'first', credential: null, rights: ['read', 'token'] }],
  actions: [],
  administration: [],
  networks: [],
  limits: noLimits,
  expiry: '90',
  expires_on: '',
  isDelivered: false,
})

/** The midnight (UTC) that ends the day so many days ahead: asked twice, it is the same. */
const endOfDay = (days: number): string => new Date((Math.floor(Date.now() / day) + days + 1) * day).toISOString()

const requestOf = (values: Values): NewAccessKey => ({
  name: values.name.trim(),
  permissions: values.permissions.flatMap(({ credential, rights }) => (credential === null ? [] : [{ credential, rights }])),
  ...(values.actions.length === 0 ? {} : { actions: values.actions }),
  administration: values.administration,
  networks: values.networks,
  ...(maySendMail(values) ? mailLimitsOf(values.limits) : {}),
  ...(values.isDelivered ? { delivery_link: true } : {}),
  ...(values.expiry === 'never' ? {} : { expires_at: values.expiry === 'day' ? `${values.expires_on}T00:00:00Z` : endOfDay(Number(values.expiry)) }),
})

const maySendMail = (values: Values): boolean => values.permissions.some(({ rights }) => rights.includes('mail'))

/** Makes a key with exactly the rights that are ticked, and shows it once. */
export function NewKeyDrawer({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [values, setValues] = useState(blank)
  const keyOf = useIdempotencyKey()
  const [isChecked, setChecked] = useState(false)
  const [made, setMade] = useState<MadeAccessKey | null>(null)
  const change = (part: Partial<Values>) => setValues((before) => ({ ...before, ...part }))
  const create = useMutation({
    mutationFn: () => {
      const body = requestOf(values)
      return withFreshSignIn(() => api.createAccessKey({ body, idempotencyKey: keyOf(body) }))
    },
    onSuccess: (answer) => {
      void queryClient.invalidateQueries({ queryKey: ['access-keys'] })
      setMade(answer)
      setValues(blank())
      setChecked(false)
      onClose()
    },
    // The answer holds the key: it is not kept longer than the window that shows it.
    gcTime: 0,
  })
  const errors = formErrors(create.error)
  return (
    <>
      <Drawer opened={opened} onClose={onClose} position="right" size="xl" title="New access key" closeButtonProps={{ 'aria-label': 'Close' }}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            setChecked(true)
            if (values.permissions.every((permission) => permission.credential !== null && permission.rights.length > 0)) create.mutate()
            else {
              const form = event.currentTarget
              requestAnimationFrame(() => focusFirstMistake(form))
            }
          }}
        >
          <Stack gap="lg">
            <TextInput
              label="Name"
              description="The automation that will use it; the audit trail names it so"
              placeholder="nightly-backup"
              value={values.name}
              onChange={(event) => change({ name: event.currentTarget.value })}
              error={errors.name}
              maxLength={100}
              required
              data-autofocus
            />
            <PermissionFields isChecked={isChecked} permissions={values.permissions} errors={errors} onChange={(permissions) => change({ permissions })} />
            <ActionField actions={values.actions} errors={errors} onChange={(actions) => change({ actions })} />
            {maySendMail(values) && <MailLimitFields limits={values.limits} errors={errors} onChange={(limits) => change({ limits })} />}
            <Checkbox.Group
              label="Administration"
              description="For programs that administer Keybearer itself. Most automations need none of it."
              value={values.administration}
              onChange={(administration) => change({ administration: administration })}
              error={errors.administration}
            >
              <Stack gap={8} mt={6}>
                {administrations.map((one) => (
                  <Checkbox key={one.value} value={one.value} label={one.title} description={one.meaning} />
                ))}
              </Stack>
            </Checkbox.Group>
            <Group align="flex-start" grow preventGrowOverflow={false}>
              <Select
                label="Ends"
                data={expiries}
                value={values.expiry}
                onChange={(expiry) => change({ expiry: expiry ?? '90' })}
                allowDeselect={false}
                error={values.expiry === 'day' ? undefined : errors.expires_at}
                description={values.expiry === 'never' ? 'A forgotten key works for ever: rather choose an end' : 'Make a new one in time; the list says when'}
              />
              {values.expiry === 'day' && (
                <TextInput
                  type="date"
                  label="On"
                  description="At midnight, UTC"
                  value={values.expires_on}
                  onChange={(event) => change({ expires_on: event.currentTarget.value })}
                  error={errors.expires_at}
                  required
                />
              )}
            </Group>
            <TagsInput
              label="Only from these networks"
              description="Such as 192.0.2.0/24; none: from anywhere"
              value={values.networks}
              onChange={(networks) => change({ networks })}
              splitChars={[',', ' ', ';', '\n']}
              acceptValueOnBlur
              error={Object.entries(errors).find(([path]) => path.startsWith('networks'))?.[1]}
            />
            <Checkbox
              label="Hand it over by a link"
              description="For another machine: the key is not shown here, but given once, within the hour, to whoever opens the link first"
              checked={values.isDelivered}
              onChange={(event) => change({ isDelivered: event.currentTarget.checked })}
            />
            <FormProblem error={create.error} fields={['name', 'permissions', 'actions', 'administration', 'networks', 'mail_limits', 'expires_at']} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending}>
                Make the key
              </Button>
            </Group>
          </Stack>
        </form>
      </Drawer>
      <Made
        made={made}
        onKept={() => {
          setMade(null)
          create.reset()
        }}
      />
    </>
  )
}

function Made({ made, onKept }: { made: MadeAccessKey | null; onKept: () => void }) {
  return (
    <Modal
      opened={made !== null}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title={`“${made?.access_key.name ?? ''}” is made`}
    >
      {made?.delivery != null && (
        <ShownOnce label="Link" value={made.delivery.link} onKept={onKept}>
          Send this to the machine that needs the key. It works once, within the hour; whoever opens it a second time is refused, and the audit trail tells. On
          that machine:
          <Text component="code" className="mono" size="sm" display="block" mt="xs">
            (umask 077; {made.delivery.command} &gt; access-key)
          </Text>
        </ShownOnce>
      )}
      {made?.key != null && (
        <ShownOnce label="Access key" value={made.key} onKept={onKept}>
          Keep it where the automation reads it: in a file that only the automation may read, named by <code className="mono">KEYBEARER_ACCESS_KEY_FILE</code>.
          Nobody can show it again; a lost key is revoked and made anew.
        </ShownOnce>
      )}
    </Modal>
  )
}
