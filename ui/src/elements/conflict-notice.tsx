import { Button, List, Text } from '@mantine/core'
import { MessageBox } from './message-box.tsx'

export type Difference = { field: string; before: string; now: string }

/** Somebody else saved first: says what is different now, and lets the person save over it or not. What was typed stays. */
export function ConflictNotice({ what, differences, onTake }: { what: string; differences: Difference[]; onTake: () => void }) {
  return (
    <MessageBox tone="warning" role="alert" title={`Somebody changed this ${what} meanwhile`}>
      {differences.length === 0 ? (
        <Text size="sm">The fields of this form are as they were; something else was changed.</Text>
      ) : (
        <List size="sm">
          {differences.map(({ field, before, now }) => (
            <List.Item key={field}>
              <b>{field}</b>: <bdi>{before === '' ? 'nothing' : before}</bdi> became <bdi>{now === '' ? 'nothing' : now}</bdi>
            </List.Item>
          ))}
        </List>
      )}
      <Text size="sm" mt={6}>
        Nothing of yours is saved yet. Saved again, the fields that you changed win; all others stay as they are now.
      </Text>
      <Button size="compact-sm" variant="default" mt="sm" onClick={onTake}>
        Go on from the newer one
      </Button>
    </MessageBox>
  )
}
