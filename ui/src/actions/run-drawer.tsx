import { Button, Drawer, Group, Progress, Stack, Text } from '@mantine/core'
import type { Action, RanAction } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { JsonField } from './json-field.tsx'
import { blankInput, readJson } from './json-input.ts'
import { RunOutcome } from './run-outcome.tsx'

/** Runs an action now: asks for its input, and shows what came of it. */
export function RunDrawer({ action, onClose }: { action: Action | null; onClose: () => void }) {
  return (
    <Drawer
      opened={action !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={<>Run “{<bdi>{action?.name}</bdi>}”</>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {action !== null && <RunForm key={action.id} action={action} onClose={onClose} />}
    </Drawer>
  )
}

function RunForm({ action, onClose }: { action: Action; onClose: () => void }) {
  const [text, setText] = useState(() => blankInput(action.inputs))
  const [round, setRound] = useState(0)
  const keyOf = useIdempotencyKey()
  const { value, mistake } = readJson(text.trim() === '' ? '{}' : text, { object: true })
  const input = (value ?? {}) as Record<string, unknown>
  const run = useMutation({
    mutationFn: () => api.runAction({ params: { action: action.id }, body: { input }, idempotencyKey: keyOf({ input, round }) }),
    onSuccess: () => {
      // The next press is another run.
      setRound(round + 1)
      void queryClient.invalidateQueries({ queryKey: ['actions'] })
      void queryClient.invalidateQueries({ queryKey: ['action-runs'] })
    },
  })
  const missing = mistake === null ? action.inputs.filter((name) => !(name in input)) : []
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (mistake === null) run.mutate()
      }}
    >
      <Stack>
        {action.paused && (
          <MessageBox tone="warning" title="It is paused">
            Switch it on to run it.
          </MessageBox>
        )}
        {action.inputs.length === 0 ? (
          <Text size="sm">It asks for no input.</Text>
        ) : (
          <>
            <JsonField
              label="Input"
              description={`A JSON object. Its texts ask for ${listed(action.inputs)}.`}
              value={text}
              onChange={setText}
              object
              minRows={4}
            />
            {missing.length > 0 && (
              <Text size="sm" role="status">
                Not there: {listed(missing)}. The run fails, unless the text says what stands in for {missing.length === 1 ? 'it' : 'them'}.
              </Text>
            )}
          </>
        )}
        <FormProblem error={run.isPending ? null : run.error} fields={['input']} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" loading={run.isPending} disabled={mistake !== null || action.paused} data-autofocus={action.inputs.length === 0}>
            {run.data === undefined ? 'Run now' : 'Run again'}
          </Button>
        </Group>
        <div aria-live="polite">
          {run.isPending && (
            <Stack gap={6}>
              <Text size="sm">It runs … This window may be closed; the run goes on and is kept in the list of runs.</Text>
              <Progress value={100} animated aria-label="Running" />
            </Stack>
          )}
          {!run.isPending && run.data !== undefined && <RunOutcome ran={run.data satisfies RanAction} />}
        </div>
      </Stack>
    </form>
  )
}

const listed = (names: readonly string[]): string => names.map((name) => `“${name}”`).join(', ')
