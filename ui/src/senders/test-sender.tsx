import { Anchor, Button, Group, List, Modal, Progress, Stack, Text, TextInput } from '@mantine/core'
import type { Message, Sender } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { fieldErrors } from '../elements/problem-notice.tsx'

const isOver = (message: Message | undefined): boolean => message !== undefined && message.status !== 'queued' && message.status !== 'sending'

/** Sends a real message and waits until the mail server has said what becomes of it. */
export function TestSender({ sender, onClose }: { sender: Sender | null; onClose: () => void }) {
  return (
    <Modal opened={sender !== null} onClose={onClose} title={`Test of “${sender?.name ?? ''}”`}>
      {sender !== null && <TestForm sender={sender} onClose={onClose} />}
    </Modal>
  )
}

function TestForm({ sender, onClose }: { sender: Sender; onClose: () => void }) {
  const [to, setTo] = useState('')
  const send = useMutation({ mutationFn: () => api.testSender({ params: { sender: sender.id }, body: { to: to.trim() } }) })
  const id = send.data?.message.id
  const message = useQuery({
    queryKey: ['message', id],
    queryFn: () => api.getMessage({ params: { message: id! } }),
    enabled: id !== undefined,
    initialData: send.data?.message,
    refetchInterval: (query) => (isOver(query.state.data) ? false : 1500),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        send.mutate()
      }}
    >
      <Stack>
        <TextInput
          label="Send a test message to"
          description="An address whose mailbox you can look into"
          type="email"
          placeholder="you@example.org"
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          error={fieldErrors(send.error).to}
          required
          data-autofocus
        />
        <div aria-live="polite">
          {send.isPending && (
            <Stack gap={6}>
              <Text size="sm">Sending it through {sender.host} …</Text>
              <Progress value={100} animated aria-label="Sending" />
            </Stack>
          )}
          <FormProblem error={send.isPending ? null : send.error} fields={['to']} />
          {!send.isPending && id !== undefined && message.data !== undefined && <Outcome message={message.data} />}
        </div>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" loading={send.isPending}>
            {send.data === undefined ? 'Send' : 'Send again'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Outcome({ message }: { message: Message }) {
  const words = message.recipients.filter((recipient) => recipient.reply !== null)
  if (message.status === 'sent') {
    return (
      <MessageBox tone="good" title="The mail server has taken it">
        <Text size="sm">Look into the mailbox: taken is not yet arrived.</Text>
        <ServerWords words={words} />
      </MessageBox>
    )
  }
  return (
    <MessageBox tone={isOver(message) ? 'bad' : 'warning'} title={isOver(message) ? 'The mail server did not take it' : 'It is on its way, and waits'}>
      {message.problem !== null && (
        <>
          <Text size="sm">{message.problem.message}</Text>
          <Text size="sm" fw={600} mt={4}>
            {message.problem.next_step}
          </Text>
          {message.problem.reply !== null && (
            <Text size="sm" mt={4}>
              The server said: <q className="mono">{message.problem.reply}</q>
            </Text>
          )}
        </>
      )}
      <ServerWords words={words} />
      <Anchor component={Link} to="/outbox" search={{ message: message.id } as never} size="sm" mt={6} display="inline-block">
        Show it in the outbox
      </Anchor>
    </MessageBox>
  )
}

function ServerWords({ words }: { words: Message['recipients'] }) {
  if (words.length === 0) return null
  return (
    <List size="sm" mt={4}>
      {words.map((recipient) => (
        <List.Item key={recipient.address}>
          {recipient.address}: <q className="mono">{recipient.reply}</q>
        </List.Item>
      ))}
    </List>
  )
}
