import { Anchor, Box, Button, Drawer, Group, List, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { Message } from '@keybearer/client'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { CopyDetails } from '../elements/copy-details.tsx'
import { ActorName } from '../elements/actor-name.tsx'
import { Facts } from '../elements/facts.tsx'
import { Mark } from '../elements/mark.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { MessageMark } from './message-status.tsx'
import { MessageTimeline } from './message-timeline.tsx'
import { ResendForm } from './resend-form.tsx'

/** One message: what became of it at every recipient, which ways were tried, and what can be done. */
export function MessageDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const found = useQuery({ queryKey: ['message', id], queryFn: () => api.getMessage({ params: { message: id } }), enabled: id !== '' })
  const message = found.data
  return (
    <Drawer
      opened={id !== ''}
      onClose={onClose}
      position="right"
      size="lg"
      title={message === undefined ? 'Message' : <bdi>{message.subject === '' ? '(no subject)' : message.subject}</bdi>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <ProblemNotice error={found.error} />
      {message === undefined ? id !== '' && found.error === null && <Skeleton h={240} /> : <Details message={message} />}
    </Drawer>
  )
}

const states = {
  waiting: { color: 'blue', sign: '○', word: 'Waits' },
  sent: { color: 'teal', sign: '●', word: 'Taken' },
  refused: { color: 'red', sign: '✗', word: 'Refused' },
}
/** What was to come, and was called off. */
const calledOff = { color: 'gray', sign: '‖', word: 'Not sent' }

const priorities: Record<Message['priority'], string> = { high: 'High', normal: 'Normal', low: 'Low: after all others' }

function RecipientMark({ state, isOff }: { state: keyof typeof states; isOff: boolean }) {
  const { color, sign, word } = isOff && state === 'waiting' ? calledOff : states[state]
  return (
    <Mark color={color} sign={sign}>
      {word}
    </Mark>
  )
}

function Details({ message }: { message: Message }) {
  const params = { message: message.id }
  const done = (changed: Message) => {
    queryClient.setQueryData(['message', message.id], changed)
    void queryClient.invalidateQueries({ queryKey: ['messages'] })
  }
  const [choosing, { open: choose, close: closeChoice }] = useDisclosure(false)
  // One that is being sent is changed as soon as it is known what came of it.
  const canChange = message.status !== 'sent' && message.status !== 'cancelled'
  const retry = useMutation({ mutationFn: () => api.retryMessage({ params }), onSuccess: done })
  const cancel = useMutation({
    mutationFn: () => api.cancelMessage({ params }),
    onSuccess: (changed) => {
      done(changed)
      tell('The message is taken out of the outbox. Who got it already, keeps it.')
    },
  })
  return (
    <Stack gap="lg" aria-live="polite">
      <Group justify="space-between">
        <MessageMark status={message.status} />
        <Group gap="xs">
          {canChange && (
            <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
              Try again now
            </Button>
          )}
          {canChange && (
            <Button size="xs" variant="default" aria-expanded={choosing} onClick={choosing ? closeChoice : choose}>
              Send another way
            </Button>
          )}
          {canChange && (
            <Button size="xs" variant="default" color="red" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel it
            </Button>
          )}
        </Group>
      </Group>
      <ProblemNotice error={retry.error ?? cancel.error} />
      {canChange && choosing && (
        <ResendForm
          message={message}
          onClose={closeChoice}
          onDone={(changed) => {
            closeChoice()
            done(changed)
          }}
        />
      )}
      {message.problem !== null && canChange && (
        <MessageBox tone={message.status === 'failed' ? 'bad' : 'warning'} title={message.problem.message}>
          <Text size="sm" fw={600}>
            {message.problem.next_step}
          </Text>
          {message.problem.reply !== null && (
            <Text size="sm" mt={4}>
              The server said: <q className="mono">{message.problem.reply}</q>
            </Text>
          )}
          {message.problem.diagnosis !== null && (
            <Box mt="sm">
              <DiagnosisWords diagnosis={message.problem.diagnosis} />
            </Box>
          )}
          <Box mt="sm">
            <CopyDetails details={message} />
          </Box>
        </MessageBox>
      )}
      <section>
        <Title order={2}>Recipients</Title>
        <List listStyleType="none" spacing="xs" mt="xs">
          {message.recipients.map((recipient) => (
            <List.Item key={recipient.address}>
              <Group gap="xs">
                <RecipientMark state={recipient.state} isOff={message.status === 'cancelled'} />
                <Text size="sm">
                  <bdi>{recipient.address}</bdi>
                </Text>
              </Group>
              {recipient.reply !== null && (
                <Text size="xs" c="dimmed" className="mono" mt={2}>
                  {recipient.reply}
                  {recipient.at !== null && (
                    <>
                      {' · '}
                      <RelativeTime at={recipient.at} />
                    </>
                  )}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
      </section>
      <section>
        <Title order={2} mb="sm">
          What happened
        </Title>
        <MessageTimeline entries={message.timeline} />
      </section>
      <section>
        <Title order={2} mb={4}>
          Facts
        </Title>
        <Facts
          label="Facts"
          rows={[
            ['From', <bdi key="from">{message.from}</bdi>],
            [
              'Sender',
              <Anchor key="sender" component={Link} to="/senders" size="sm">
                <bdi>{message.sender.name}</bdi>
              </Anchor>,
            ],
            ['Went out through', message.sent_by === null ? null : <bdi key="by">{message.sent_by.name}</bdi>],
            ['Given by', <ActorName key="created-by" id={message.created_by} />],
            ['Given', <RelativeTime key="created" at={message.created_at} />],
            ['Sent', message.sent_at === null ? null : <RelativeTime at={message.sent_at} />],
            ['Priority', priorities[message.priority]],
            ['Attempts', message.attempts],
            ['Next attempt', message.next_attempt_at === null ? null : <RelativeTime at={message.next_attempt_at} />],
            ['Size', `${Math.max(1, Math.round(message.size / 1000)).toLocaleString()} kB`],
            [
              'Message-ID',
              <span key="message-id" className="mono">
                {message.message_id}
              </span>,
            ],
          ]}
        />
        <Text size="xs" c="dimmed" mt="xs">
          What is written in a message is not shown here.
        </Text>
      </section>
    </Stack>
  )
}
