import { List, Text } from '@mantine/core'
import type { Action } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useMay } from '../api/session.ts'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'

type Props = { action: Action | null; onClose: () => void; onDeleted?: () => void }

/** Asks before an action is deleted, and says who runs it. */
export function DeleteAction({ action, onClose, onDeleted }: Props) {
  const mayAsk = useMay('administrator')
  const keys = useQuery({ queryKey: ['access-keys'], queryFn: () => api.listAccessKeys(), enabled: mayAsk && action !== null })
  const users = (keys.data?.items ?? []).filter((key) => key.revoked_at === null && action !== null && key.actions.includes(action.id))
  const remove = async () => {
    await api.deleteAction({ params: { action: action!.id } })
    tell(`“${action!.name}” is deleted.`)
    void queryClient.invalidateQueries({ queryKey: ['actions', 'list'] })
    void queryClient.invalidateQueries({ queryKey: ['actions', 'all'] })
    onDeleted?.()
  }
  const isUsed = action !== null && (action.last_run !== null || action.schedule !== null || action.webhook !== null || users.length > 0)
  return (
    <TypeToConfirm
      opened={action !== null}
      onClose={onClose}
      title={`Delete “${action?.name ?? ''}”?`}
      word={isUsed ? action.name : ''}
      button="Delete"
      onConfirm={remove}
    >
      <Text size="sm">Whoever runs it by its name gets an error from then on. Its runs stay in the list. This cannot be taken back.</Text>
      {(action?.schedule != null || action?.webhook != null) && (
        <Text size="sm" fw={600}>
          {action.webhook === null ? 'Its schedule ends' : action.schedule === null ? 'Its webhook ends' : 'Its schedule and its webhook end'} with it.
        </Text>
      )}
      {users.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {users.length === 1 ? 'An access key may run it:' : `${users.length} access keys may run it:`}
          </Text>
          <List size="sm">
            {users.slice(0, 10).map((key) => (
              <List.Item key={key.id}>
                <bdi>{key.name}</bdi>
              </List.Item>
            ))}
          </List>
        </div>
      )}
    </TypeToConfirm>
  )
}
