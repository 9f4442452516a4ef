import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { ShownOnce } from '../elements/shown-once.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

/** Makes an address that a calendar program subscribes to, and shows it once. */
export function FeedDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('Calendar feed')
  const make = useMutation({ mutationFn: () => withFreshSignIn(() => api.createCalendarFeed({ body: { name: name.trim() } })) })
  const close = () => {
    make.reset()
    onClose()
  }
  return (
    <Modal opened={opened} onClose={close} title="Subscribe to the calendar" size="lg">
      {make.data === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            make.mutate()
          }}
        >
          <Stack>
            <Text size="sm">
              A calendar program reads what ends from an address. The address holds a key of its own that can do nothing else; whoever knows it sees the names
              of everything that ends. Revoke the key to end it.
            </Text>
            <TextInput label="Name of the key" value={name} onChange={(event) => setName(event.currentTarget.value)} required />
            <ProblemNotice error={make.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={make.isPending} disabled={name.trim() === ''}>
                Make the address
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <ShownOnce label="Address" value={make.data.address} onKept={close}>
          Subscribe to it in your calendar program, as a calendar from the internet.
        </ShownOnce>
      )}
    </Modal>
  )
}
