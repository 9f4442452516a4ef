import { Button, Fieldset, Group, Modal, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Difference } from './conflict-fields.ts'
import type { Draft } from './draft.ts'

type Props = { differences: Difference[]; onClose: () => void; onDecide: (keepMine: ReadonlySet<keyof Draft>) => void }

/** Somebody else saved the same fields meanwhile: shows both, field by field, and lets the person choose. Nothing typed is lost. */
export function Conflict({ differences, onClose, onDecide }: Props) {
  const [mine, setMine] = useState<ReadonlySet<keyof Draft>>(() => new Set(differences.map((one) => one.field)))
  const choose = (field: keyof Draft, keep: boolean) => {
    const next = new Set(mine)
    if (keep) next.add(field)
    else next.delete(field)
    setMine(next)
  }
  return (
    <Modal opened onClose={onClose} title="Somebody changed this meanwhile" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          event.stopPropagation()
          onDecide(mine)
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            What you typed is still here, and nothing of it was saved yet.{' '}
            {differences.length > 0 ? 'Both of you changed this: choose what stays.' : 'Save it again.'}
          </Text>
          {differences.map((one) => (
            <Fieldset key={one.field} legend={one.label} p="sm">
              <Radio.Group aria-label={one.label} value={mine.has(one.field) ? 'mine' : 'theirs'} onChange={(value) => choose(one.field, value === 'mine')}>
                <Stack gap={6}>
                  <Radio value="theirs" label={<Value title="Take theirs" text={one.theirs} />} />
                  <Radio value="mine" label={<Value title="Keep mine" text={one.mine} />} />
                </Stack>
              </Radio.Group>
            </Fieldset>
          ))}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back to the form
            </Button>
            <Button type="submit" data-autofocus>
              Save this
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Value({ title, text }: { title: string; text: string }) {
  return (
    <>
      {title}:{' '}
      <Text span size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {text === '' ? '(empty)' : <bdi>{text}</bdi>}
      </Text>
    </>
  )
}
