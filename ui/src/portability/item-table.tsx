import { List, Text } from '@mantine/core'
import type { ImportResult } from '@keybearer/client'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'

type Item = ImportResult['items'][number]

const actions: Record<Item['action'], { color: string; sign: string; word: string; done: string }> = {
  create: { color: 'teal', sign: '+', word: 'Comes', done: 'Made' },
  rename: { color: 'blue', sign: '→', word: 'Comes renamed', done: 'Made under another name' },
  replace: { color: 'orange', sign: '↻', word: 'Replaces', done: 'Replaced' },
  skip: { color: 'gray', sign: '‖', word: 'Skipped', done: 'Skipped' },
  refused: { color: 'red', sign: '✗', word: 'Refused', done: 'Refused' },
}

const kinds: Record<NonNullable<Item['kind']>, string> = { oauth2: 'OAuth 2.0', api_key: 'API key', basic: 'User and password' }

/** Item by item: what happens to it, and what should be known of it. */
export function ItemTable({ items, isDone = false }: { items: readonly Item[]; isDone?: boolean }) {
  const columns: Column<Item & { index: number }>[] = [
    {
      title: 'Name',
      cell: (item) => (
        <div>
          {item.name === '' ? '(without a name)' : <bdi>{item.name}</bdi>}
          {item.final_name !== null && item.final_name !== item.name && (
            <Text size="xs" fw={400}>
              as <bdi>{item.final_name}</bdi>
            </Text>
          )}
        </div>
      ),
    },
    { title: 'Kind', cell: (item) => [item.kind === null ? null : kinds[item.kind], item.provider].filter((part) => part !== null).join(', ') || null },
    {
      title: isDone ? 'What happened' : 'What happens',
      cell: (item) => {
        const { color, sign, word, done } = actions[item.action]
        return (
          <Mark color={color} sign={sign}>
            {isDone ? done : word}
          </Mark>
        )
      },
    },
    {
      title: 'Notes',
      width: '40%',
      cell: (item) =>
        item.problem === null && item.notes.length === 0 ? null : (
          <div>
            {item.problem !== null && (
              <>
                <Text size="sm" fw={600}>
                  {item.problem.detail}
                </Text>
                <Text size="sm">
                  {item.problem.next_step.includes('"errors"') ? 'Correct it in the file, and choose the file again.' : item.problem.next_step}
                </Text>
              </>
            )}
            {item.notes.length > 0 && (
              <List size="sm">
                {item.notes.map((note) => (
                  <List.Item key={note}>{note}</List.Item>
                ))}
              </List>
            )}
          </div>
        ),
    },
  ]
  return <ListTable label="Items of the file" columns={columns} rows={items.map((item, index) => ({ ...item, index }))} rowKey={(item) => String(item.index)} />
}
