import { Button, Drawer, Group, Select, Stack, TagsInput, Textarea, TextInput } from '@mantine/core'
import type { Message } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { fieldErrors } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'

const blank = { sender: null as string | null, to: [] as string[], subject: '', text: '' }

/** A small message, written here: to see that a way of sending works, or to tell somebody something. What was typed stays until it is sent. */
export function ComposeDrawer({ opened, onClose, onSent }: { opened: boolean; onClose: () => void; onSent: (message: Message) => void }) {
  const [values, setValues] = useState(blank)
  const keyOf = useIdempotencyKey()
  const senders = useQuery({ queryKey: ['senders'], queryFn: () => api.listSenders(), enabled: opened })
  const [round, setRound] = useState(0)
  const change = (part: Partial<typeof blank>) => setValues((before) => ({ ...before, ...part }))
  const send = useMutation({
    mutationFn: () => {
      const body = { ...(values.sender === null ? {} : { sender: values.sender }), to: values.to, subject: values.subject, text: values.text }
      // The same message is taken once, however often the button is pressed; written anew, it is another one.
      return api.sendMessage({ body, idempotencyKey: keyOf({ body, round }) })
    },
    onSuccess: (message) => {
      void queryClient.invalidateQueries({ queryKey: ['messages'] })
      tell('The message is in the outbox.')
      setValues(blank)
      setRound(round + 1)
      onClose()
      onSent(message)
    },
  })
  const errors = fieldErrors(send.error)
  const errorOfTo = Object.entries(errors).find(([path]) => path === 'to' || path.startsWith('to.'))?.[1]
  const standard = senders.data?.items.find((sender) => sender.is_default)
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size="lg" title="Write a message" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (values.to.length > 0) send.mutate()
        }}
      >
        <Stack>
          <Select
            label="Through"
            placeholder={standard === undefined ? 'Choose a sender' : `The default: ${standard.name}`}
            data={(senders.data?.items ?? []).map((sender) => ({ value: sender.id, label: `${sender.name} – ${sender.from}` }))}
            value={values.sender}
            onChange={(sender) => change({ sender })}
            clearable
            clearButtonProps={{ 'aria-label': 'The default' }}
            error={errors.sender}
          />
          <TagsInput
            label="To"
            description="Enter or a comma ends each address"
            value={values.to}
            onChange={(to) => change({ to })}
            splitChars={[',', ' ', ';', '\n']}
            acceptValueOnBlur
            error={errorOfTo}
            data-autofocus
            withAsterisk
          />
          <TextInput
            label="Subject"
            value={values.subject}
            onChange={(event) => change({ subject: event.currentTarget.value })}
            error={errors.subject}
            required
          />
          <Textarea
            label="Text"
            value={values.text}
            onChange={(event) => change({ text: event.currentTarget.value })}
            error={errors.text}
            autosize
            minRows={6}
          />
          <FormProblem error={send.error} fields={['sender', 'to', 'subject', 'text']} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Later
            </Button>
            <Button type="submit" loading={send.isPending} disabled={values.to.length === 0}>
              Send
            </Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  )
}
