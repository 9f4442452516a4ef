import { Anchor, Box, Button, Drawer, Group, List, Skeleton, Stack, Text, Timeline, Title } from '@mantine/core'
import type { Message } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ActorName } from '../elements/actor-name.tsx'
import { Facts } from '../elements/facts.tsx'
import { Mark } from '../elements/mark.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { MessageMark } from './message-status.tsx'

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

const outcomes: Record<Message['route'][number]['outcome'], string> = {
  sent: 'took it',
  unreachable: 'did not answer',
  refused: 'refused the login or the address',
  credential_not_ready: 'could not log in: its credential needs a person',
  failed: 'failed',
}

function Details({ message }: { message: Message }) {
  const params = { message: message.id }
  const done = (changed: Message) => {
    queryClient.setQueryData(['message', message.id], changed)
    void queryClient.invalidateQueries({ queryKey: ['messages'] })
  }
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
          {(message.status === 'failed' || message.status === 'queued') && (
            <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
              Try again now
            </Button>
          )}
          {(message.status === 'failed' || message.status === 'queued') && (
            <Button size="xs" variant="default" color="red" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel it
            </Button>
          )}
        </Group>
      </Group>
      <ProblemNotice error={retry.error ?? cancel.error} />
      {message.problem !== null && message.status !== 'sent' && (
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
        </MessageBox>
      )}
      <section>
        <Title order={2}>Recipients</Title>
        <List listStyleType="none" spacing="xs" mt="xs">
          {message.recipients.map((recipient) => (
            <List.Item key={recipient.address}>
              <Group gap="xs">
                <Mark color={states[recipient.state].color} sign={states[recipient.state].sign}>
                  {states[recipient.state].word}
                </Mark>
                <Text size="sm">
                  <bdi>{recipient.address}</bdi>
                </Text>
              </Group>
              {recipient.reply !== null && (
                <Text size="xs" c="dimmed" className="mono" mt={2}>
                  {recipient.reply}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
      </section>
      {message.route.length > 0 && (
        <section>
          <Title order={2} mb="sm">
            The way it went
          </Title>
          <Timeline bulletSize={18} lineWidth={2} active={message.route.length}>
            {message.route.map((way) => (
              <Timeline.Item
                key={`${way.at}${way.sender.id}`}
                color={way.outcome === 'sent' ? 'pine' : 'red'}
                title={
                  <Text size="sm">
                    <bdi>{way.sender.name}</bdi> {outcomes[way.outcome]}
                  </Text>
                }
              >
                <Text size="xs" c="dimmed">
                  <RelativeTime at={way.at} />
                  {way.reason !== null && ` · ${way.reason.replaceAll('_', ' ')}`}
                </Text>
              </Timeline.Item>
            ))}
          </Timeline>
        </section>
      )}
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
