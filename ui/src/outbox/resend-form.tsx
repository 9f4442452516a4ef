import { Button, Group, Select, Stack, Text } from '@mantine/core'
import type { Message } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'

/** Sends a message another way: which sender is to have it, and what that changes. */
export function ResendForm({ message, onDone, onClose }: { message: Message; onDone: (changed: Message) => void; onClose: () => void }) {
  const [sender, choose] = useState<string | null>(null)
  const senders = useQuery({ queryKey: ['senders'], queryFn: () => api.listSenders() })
  const others = (senders.data?.items ?? []).filter((one) => one.id !== message.sender.id)
  const chosen = others.find((one) => one.id === sender)
  const resend = useMutation({
    mutationFn: (through: string) => api.resendMessage({ params: { message: message.id }, body: { sender: through } }),
    onSuccess: onDone,
  })
  return (
    <form
      aria-label="Send through another sender"
      onSubmit={(event) => {
        event.preventDefault()
        if (sender !== null) resend.mutate(sender)
      }}
    >
      <Stack gap="xs">
        <Select
          label="Other sender"
          placeholder={senders.data !== undefined && others.length === 0 ? 'There is no other sender' : 'Choose a sender'}
          data={others.map((one) => ({ value: one.id, label: `${one.name} – ${one.from}` }))}
          value={sender}
          onChange={choose}
          data-autofocus
        />
        <Text size="xs" c="dimmed">
          Whoever has the message already does not get it again.
          {chosen !== undefined && chosen.from !== message.from && ` It will come from ${chosen.from}; answers still go to ${message.from}.`}
        </Text>
        <ProblemNotice error={senders.error ?? resend.error} />
        <Group justify="flex-end" gap="xs">
          <Button size="xs" variant="default" onClick={onClose}>
            Back
          </Button>
          <Button size="xs" type="submit" loading={resend.isPending} disabled={sender === null}>
            Send it this way
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
