import { Button, Group, List, Modal, PasswordInput, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'

/** A token was found somewhere: says whether it came from here, and who got it. */
export function FindToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [token, setToken] = useState('')
  const find = useMutation({ mutationFn: () => api.findTokenInAudit({ body: { token: token.trim() } }), gcTime: 0 })
  const close = () => {
    setToken('')
    find.reset()
    onClose()
  }
  const items = find.data?.items
  return (
    <Modal opened={opened} onClose={close} title="Was this token handed out?">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          find.mutate()
        }}
      >
        <Stack>
          <Text size="sm">
            For a token that was found where it does not belong. The trail knows tokens by their fingerprints only; what you paste is kept nowhere.
          </Text>
          <PasswordInput label="Token" value={token} onChange={(event) => setToken(event.currentTarget.value)} autoComplete="off" required data-autofocus />
          <ProblemNotice error={find.error} />
          <div aria-live="polite">
            {items !== undefined && items.length === 0 && (
              <MessageBox tone="note" title="It is not known here">
                No token like it was handed out, or its records are no longer kept.
              </MessageBox>
            )}
            {items !== undefined && items.length > 0 && (
              <MessageBox tone="warning" title="It came from here">
                <List size="sm">
                  {items.map((record) => (
                    <List.Item key={record.seq}>
                      “<bdi>{record.subject?.name}</bdi>” to <bdi>{record.actor.name}</bdi>, <RelativeTime at={record.at} />
                      {record.address !== null && `, to ${record.address}`}
                    </List.Item>
                  ))}
                </List>
              </MessageBox>
            )}
          </div>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Close
            </Button>
            <Button type="submit" loading={find.isPending}>
              Look for it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
