import { Anchor, Code, Group, List, Stack, Text } from '@mantine/core'
import type { ActionResult, ActionRun, RanAction } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { durationWords, isOver } from './action-words.ts'

/** What a run came to: the outcome, the problem with the next step, the result. It follows a run that is not over yet. */
export function RunOutcome({ ran }: { ran: RanAction }) {
  const live = useQuery({
    queryKey: ['action-run', ran.run.id],
    queryFn: () => api.getActionRun({ params: { run: ran.run.id } }),
    enabled: !isOver(ran.outcome),
    initialData: { run: ran.run, followed: ran.followed },
  })
  const { run, followed } = live.data
  return (
    <Stack gap="sm">
      {[run, ...followed].map((one) => (
        <RunSummary key={one.id} run={one} isNamed={followed.length > 0} />
      ))}
      {ran.result !== null && <ResultView result={ran.result} />}
    </Stack>
  )
}

const titles: Record<ActionRun['status'], string> = {
  done: 'Done',
  failed: 'It failed',
  interrupted: 'It was cut off',
  waiting: 'It failed, and is tried again',
  running: 'It runs',
  queued: 'It waits its turn',
}

/** One run as a message: what happened, and what to do. */
export function RunSummary({ run, isNamed = false }: { run: ActionRun; isNamed?: boolean }) {
  const tone = run.status === 'done' ? (run.tolerated ? 'warning' : 'good') : isOver(run.status) ? 'bad' : run.status === 'waiting' ? 'warning' : 'note'
  const title = run.status === 'done' && run.tolerated ? 'Done, with a problem that does not count as a failure' : titles[run.status]
  return (
    <MessageBox
      tone={tone}
      title={
        isNamed ? (
          <>
            <bdi>{run.action.name}</bdi>: {title}
          </>
        ) : (
          title
        )
      }
    >
      <Stack gap={4}>
        <ProblemWords run={run} />
        {run.status === 'waiting' && run.next_attempt_at !== null && (
          <Text size="sm">
            The next attempt comes <RelativeTime at={run.next_attempt_at} />.
          </Text>
        )}
        <Group gap="xs">
          {run.duration_ms !== null && <Text size="sm">It took {durationWords(run.duration_ms)}.</Text>}
          {run.response_status !== null && <Text size="sm">Status {run.response_status}.</Text>}
          {run.message !== null && (
            <Anchor component={Link} to="/outbox" search={{ message: run.message } as never} size="sm">
              Show the mail in the outbox
            </Anchor>
          )}
        </Group>
      </Stack>
    </MessageBox>
  )
}

export function ProblemWords({ run }: { run: ActionRun }) {
  if (run.problem === null) return null
  return (
    <>
      <Text size="sm">{run.problem.message}</Text>
      <Text size="sm" fw={600}>
        {run.problem.next_step}
      </Text>
      <Text size="xs" className="mono">
        {run.problem.code}
      </Text>
    </>
  )
}

/** What the server answered. */
export function ResultView({ result }: { result: ActionResult }) {
  const headers = Object.entries(result.headers)
  if (result.status === null) return null
  return (
    <Stack gap={6}>
      <Text size="sm" fw={600}>
        The answer
        {result.pages > 1 && `, of ${result.pages} pages`}
        {result.truncated && ', cut at its limit'}
      </Text>
      {headers.length > 0 && (
        <details>
          <summary>
            <Text size="sm" span>
              {headers.length} headers
            </Text>
          </summary>
          <List size="xs" listStyleType="none" mt={4}>
            {headers.map(([name, value]) => (
              <List.Item key={name} className="mono">
                {name}: {value}
              </List.Item>
            ))}
          </List>
        </details>
      )}
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label="Body of the answer"
        mah={420}
        style={{ overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
      >
        {bodyText(result)}
      </Code>
    </Stack>
  )
}

const longest = 100_000

function bodyText({ json, body, body_encoding: encoding }: ActionResult): string {
  if (json !== null) return JSON.stringify(json, null, 2).slice(0, longest)
  if (body === null || body === '') return '(empty)'
  return encoding === 'base64' ? `(not text: ${Math.round((body.length * 3) / 4).toLocaleString()} bytes)` : body.slice(0, longest)
}
