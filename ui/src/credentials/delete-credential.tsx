import { Checkbox, List, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { Credential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { WhatDeletionMeans } from '../deleted/what-deletion-means.tsx'
import { exactTime, RelativeTime } from '../elements/relative-time.tsx'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'

/** Says who uses a credential, from real hand-outs, before it goes; where it is in use its name has to be typed. */
export function DeleteCredential({ credential, onClose, onDeleted }: { credential: Credential | null; onClose: () => void; onDeleted?: () => void }) {
  const [revoke, setRevoke] = useState(true)
  const usage = useQuery({
    queryKey: ['credential-use', credential?.id, 'usage'],
    queryFn: () => api.listCredentialUsage({ params: { credential: credential!.id } }),
    enabled: credential !== null,
  })
  const users = usage.data?.items ?? []
  const actions = credential?.used_by.actions ?? []
  const remove = async () => {
    const { revocation, restorable_until: until } = await api.deleteCredential({ params: { credential: credential!.id }, query: { revoke } })
    const message = until === null ? revocation.message : `${revocation.message} It can be restored until ${exactTime(until)}: see “Deleted credentials”.`
    notifications.show({ title: `“${credential!.name}” is deleted`, message, color: revocation.outcome === 'failed' ? 'orange' : 'teal' })
    for (const list of ['credentials', 'deleted-credentials']) await queryClient.invalidateQueries({ queryKey: [list] })
    onDeleted?.()
  }
  return (
    <TypeToConfirm
      opened={credential !== null}
      onClose={onClose}
      title={`Delete “${credential?.name ?? ''}”?`}
      word={users.length + actions.length > 0 ? (credential?.name ?? '') : ''}
      button="Delete"
      onConfirm={remove}
    >
      <WhatDeletionMeans count={1} />
      {users.length > 0 && (
        <>
          <Text size="sm" fw={600}>
            These use it and will fail:
          </Text>
          <List size="sm">
            {users.slice(0, 8).map((user) => (
              <List.Item key={user.access_key.id}>
                <bdi>{user.access_key.name}</bdi>, last <RelativeTime at={user.last_at} />
              </List.Item>
            ))}
          </List>
        </>
      )}
      {actions.length > 0 && (
        <>
          <Text size="sm" fw={600}>
            These actions name it, and have to be given another one first:
          </Text>
          <List size="sm">
            {actions.slice(0, 8).map((action) => (
              <List.Item key={action.id}>
                <bdi>{action.name}</bdi>
              </List.Item>
            ))}
          </List>
        </>
      )}
      {credential?.kind === 'oauth2' && (
        <Checkbox
          checked={revoke}
          onChange={(event) => setRevoke(event.currentTarget.checked)}
          label="Also take the tokens back at the provider"
          description="At some providers, Google among them, this ends every grant of the account for this application. Restored, an account that somebody connected has to be connected anew."
        />
      )}
    </TypeToConfirm>
  )
}
