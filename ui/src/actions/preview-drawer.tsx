import { Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { requestOf, type ActionValues } from './action-values.ts'
import { JsonField } from './json-field.tsx'
import { blankInput, namesAskedFor, readJson } from './json-input.ts'
import { PreviewView } from './preview-view.tsx'

/** Shows what an action would send as it stands in the form, saved or not; nothing is sent. */
export function PreviewDrawer({ values, opened, onClose }: { values: ActionValues; opened: boolean; onClose: () => void }) {
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size="lg" title="Preview" closeButtonProps={{ 'aria-label': 'Close' }}>
      {opened && <PreviewForm values={values} onClose={onClose} />}
    </Drawer>
  )
}

function PreviewForm({ values, onClose }: { values: ActionValues; onClose: () => void }) {
  const { email, request } = requestOf(values)
  const part = values.kind === 'send_email' ? { email } : { request }
  const [input, setInput] = useState(() => blankInput(namesAskedFor(part, 'input')))
  const [previous, setPrevious] = useState(() => blankInput(namesAskedFor(part, 'previous')))
  const asksForPrevious = namesAskedFor(part, 'previous').length > 0
  const given = readJson(input, { object: true })
  const before = readJson(previous, { object: true })
  const preview = useMutation({
    mutationFn: () =>
      api.previewAction({
        body: { ...part, input: given.value as Record<string, unknown>, ...(asksForPrevious ? { previous: before.value as Record<string, unknown> } : {}) },
      }),
  })
  const isReady = given.mistake === null && before.mistake === null
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        if (isReady) preview.mutate()
      }}
    >
      <Stack>
        <Text size="sm">Shows what a run would send with these values. Nothing is sent, and nothing needs to be saved for it.</Text>
        <JsonField label="Input" description="A JSON object: what texts name as input.…" value={input} onChange={setInput} object minRows={4} />
        {asksForPrevious && (
          <JsonField
            label="What the action before came to"
            description="A JSON object: what texts name as previous.…"
            value={previous}
            onChange={setPrevious}
            object
            minRows={3}
          />
        )}
        <FormProblem error={preview.isPending ? null : preview.error} fields={[]} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" loading={preview.isPending} disabled={!isReady} data-autofocus>
            Show
          </Button>
        </Group>
        <div aria-live="polite">{!preview.isPending && preview.data !== undefined && <PreviewView preview={preview.data} />}</div>
      </Stack>
    </form>
  )
}
