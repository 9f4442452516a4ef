import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { Credential } from '@keybearer/client'
import { useState, type JSX } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { DeleteCredential } from './delete-credential.tsx'

/** What stops automations: each says what follows before it is done. */
export function DangerZone({ credential, onDeleted }: { credential: Credential; onDeleted: () => void }) {
  const [revoking, setRevoking] = useState(false)
  const [deleting, setDeleting] = useState(false)
  const params = { credential: credential.id }
  const paused = credential.status === 'paused'
  const refresh = () => Promise.all([queryClient.invalidateQueries({ queryKey: ['credential'] }), queryClient.invalidateQueries({ queryKey: ['credentials'] })])
  const pause = async () => {
    try {
      await (paused ? api.resumeCredential : api.pauseCredential)({ params })
      await refresh()
    } catch (error) {
      notifications.show({ color: 'red', title: 'That did not work', message: error instanceof Error ? error.message : '' })
    }
  }
  const row = (title: string, text: string, button: JSX.Element) => (
    <Group justify="space-between" gap="sm">
      <div style={{ flex: '1 1 16rem' }}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {text}
        </Text>
      </div>
      {button}
    </Group>
  )
  return (
    <Paper withBorder p="md" style={{ borderColor: 'light-dark(#e5b5b1, #6b2f2b)' }}>
      <Title order={2} mb="sm">
        Danger zone
      </Title>
      <Stack gap="md">
        {row(
          paused ? 'Resume' : 'Pause',
          paused ? 'Automations get tokens again.' : 'Nothing gets a token until it is resumed. Nothing is lost.',
          <Button variant="default" onClick={() => void pause()}>
            {paused ? 'Resume' : 'Pause'}
          </Button>,
        )}
        {credential.kind === 'oauth2' &&
          row(
            'Revoke',
            'Takes the tokens back at the provider and removes them here. A person must connect it again.',
            <Button variant="light" color="red" onClick={() => setRevoking(true)} disabled={!credential.has_secret}>
              Revoke
            </Button>,
          )}
        {row(
          'Delete',
          'Removes it with its secrets, for good.',
          <Button variant="light" color="red" onClick={() => setDeleting(true)}>
            Delete
          </Button>,
        )}
      </Stack>
      <TypeToConfirm
        opened={revoking}
        onClose={() => setRevoking(false)}
        title={`Revoke “${credential.name}”?`}
        word={credential.last_used_at === null ? '' : credential.name}
        button="Revoke"
        onConfirm={async () => {
          const { revocation } = await api.revokeCredential({ params })
          notifications.show({ title: 'Revoked', message: revocation.message })
          await refresh()
        }}
      >
        <Text size="sm">Every automation that uses it stops until a person connects it again.</Text>
      </TypeToConfirm>
      <DeleteCredential credential={deleting ? credential : null} onClose={() => setDeleting(false)} onDeleted={onDeleted} />
    </Paper>
  )
}
