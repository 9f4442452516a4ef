import { Button, Checkbox, Drawer, Group, Modal, Stack, TextInput } from '@mantine/core'
import type { MadeWebhook, Webhook, WebhookChange } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api, etag } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { ShownOnce } from '../elements/shown-once.tsx'
import { tell } from '../elements/tell.ts'
import { noticeChoices, type NoticeEvent } from './notice-words.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

type Props = { webhook: Webhook | null; opened: boolean; onClose: () => void; onMade: (made: MadeWebhook) => void }

/** Makes a webhook, or changes one. */
export function WebhookDrawer({ webhook, opened, onClose, onMade }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title={webhook === null ? 'New webhook' : `Edit “${webhook.name}”`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <WebhookForm key={webhook?.id ?? 'new'} webhook={webhook} onClose={onClose} onMade={onMade} />}
    </Drawer>
  )
}

function WebhookForm({ webhook, onClose, onMade }: Omit<Props, 'opened'>) {
  const [name, setName] = useState(webhook?.name ?? '')
  const [url, setUrl] = useState('')
  const [events, setEvents] = useState<NoticeEvent[]>(webhook?.events ?? noticeChoices.map((event) => event.value))
  const keyOf = useIdempotencyKey()
  const save = useMutation({
    mutationFn: async () => {
      if (webhook === null) {
        const body = { name: name.trim(), url: url.trim(), events }
        return onMade(await withFreshSignIn(() => api.createWebhook({ body, idempotencyKey: keyOf(body) })))
      }
      const body: WebhookChange = { name: name.trim(), events, ...(url.trim() === '' ? {} : { url: url.trim() }) }
      await withFreshSignIn(() => api.changeWebhook({ params: { webhook: webhook.id }, body, ifMatch: etag(webhook.revision) }))
      tell(`“${name.trim()}” is saved.`)
    },
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['webhooks'] })
      onClose()
    },
    // The answer holds the secret: it is not kept longer than the window that shows it.
    gcTime: 0,
  })
  const errors = formErrors(save.error)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="lg">
        <TextInput
          label="Name"
          placeholder="pager"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errors.name}
          maxLength={100}
          required
          data-autofocus
        />
        <TextInput
          label="Address"
          description={
            webhook === null
              ? 'Where messages are sent, https://…; it is stored sealed, and only its host is shown later'
              : `Now at ${webhook.origin}. Left empty, it stays`
          }
          placeholder="https://example.org/hook"
          type="url"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          error={errors.url}
          required={webhook === null}
          autoComplete="off"
        />
        <Checkbox.Group
          label="Told of"
          value={events}
          onChange={(value) => setEvents(value)}
          error={errors.events ?? (events.length === 0 ? 'Choose at least one' : undefined)}
        >
          <Stack gap={8} mt={6}>
            {noticeChoices.map(({ value, label }) => (
              <Checkbox key={value} value={value} label={label} />
            ))}
          </Stack>
        </Checkbox.Group>
        <FormProblem error={save.error} fields={['name', 'url', 'events']} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={events.length === 0}>
            {webhook === null ? 'Make the webhook' : 'Save'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** The secret that messages are signed with: nobody sees it a second time. */
export function WebhookSecret({ made, onKept }: { made: MadeWebhook | null; onKept: () => void }) {
  return (
    <Modal
      opened={made !== null}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title={`Secret of “${made?.webhook.name ?? ''}”`}
    >
      {made !== null && (
        <ShownOnce label="Secret" value={made.secret} onKept={onKept}>
          Give it to the receiver, which checks with it that messages come from here (Standard Webhooks, v1). Nobody can show it again; a lost one is renewed.
        </ShownOnce>
      )}
    </Modal>
  )
}
