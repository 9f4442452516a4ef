import { Drawer, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { ActionRun } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { Facts } from '../elements/facts.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { durationWords, triggerWords } from './action-words.ts'
import { RunSummary } from './run-outcome.tsx'

/** One run: how it ended and why, who ordered it, and what followed from it. */
export function OneRunDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const found = useQuery({ queryKey: ['action-run', id], queryFn: () => api.getActionRun({ params: { run: id } }), enabled: id !== '' })
  const chain = found.data
  return (
    <Drawer
      opened={id !== ''}
      onClose={onClose}
      position="right"
      size="lg"
      title={chain === undefined ? 'Run' : <>Run of “{<bdi>{chain.run.action.name}</bdi>}”</>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <ProblemNotice error={found.error} />
      {chain === undefined ? (
        id !== '' && found.error === null && <Skeleton h={240} />
      ) : (
        <Stack gap="lg" aria-live="polite">
          <RunSummary run={chain.run} />
          <RunFacts run={chain.run} />
          {chain.followed.length > 0 && (
            <section>
              <Title order={2} mb="xs">
                What followed
              </Title>
              <Stack gap="sm">
                {chain.followed.map((run) => (
                  <RunSummary key={run.id} run={run} isNamed />
                ))}
              </Stack>
            </section>
          )}
          <Text size="xs" c="dimmed">
            The values of the input are not kept.
          </Text>
        </Stack>
      )}
    </Drawer>
  )
}

function RunFacts({ run }: { run: ActionRun }) {
  return (
    <section>
      <Title order={2} mb={4}>
        Facts
      </Title>
      <Facts
        label="Facts of the run"
        rows={[
          ['Started by', triggerWords[run.trigger]],
          ['Ordered by', <bdi key="by">{run.ordered_by.name}</bdi>],
          ['Input', run.input_names.length === 0 ? 'None' : run.input_names.join(', ')],
          ['Ordered', <RelativeTime key="ordered" at={run.created_at} />],
          ['Ended', run.finished_at === null ? null : <RelativeTime at={run.finished_at} />],
          ['Took', run.duration_ms === null ? null : durationWords(run.duration_ms)],
          ['Attempts', run.attempts],
          ['Status of the answer', run.response_status],
          [
            'ID',
            <span key="id" className="mono">
              {run.id}
            </span>,
          ],
        ]}
      />
    </section>
  )
}
