import { Button, Group, Modal, Stack } from '@mantine/core'
import type { Person } from './own-types.ts'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { RoleChoice } from './role-choice.tsx'
import { roleWords } from './roles.ts'

export function ChangeRole({ person, onClose }: { person: Person | null; onClose: () => void }) {
  return (
    <Modal opened={person !== null} onClose={onClose} title={`Role of ${person?.name ?? ''}`}>
      {person !== null && <RoleForm person={person} onClose={onClose} />}
    </Modal>
  )
}

function RoleForm({ person, onClose }: { person: Person; onClose: () => void }) {
  const [role, setRole] = useState(person.role)
  const save = useMutation({
    mutationFn: () => withFreshSignIn(() => api.changePerson({ params: { person: person.id }, body: { role } })),
    onSuccess: () => {
      tell(`${person.name} is ${roleWords[role].title.toLowerCase()} now.`)
      void queryClient.invalidateQueries({ queryKey: ['persons'] })
      void queryClient.invalidateQueries({ queryKey: ['session'] })
      onClose()
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack>
        <RoleChoice value={role} onChange={setRole} />
        <ProblemNotice error={save.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={role === person.role}>
            Change
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
