import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import type { Link } from './persons-page.tsx'
import { RoleChoice } from './role-choice.tsx'
import type { Role } from './roles.ts'

/** Makes a one-time link with which somebody chooses a password. */
export function InvitePerson({ opened, onClose, onInvited }: { opened: boolean; onClose: () => void; onInvited: (link: Link) => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const invite = useMutation({
    mutationFn: () => withFreshSignIn(() => api.invitePerson({ body: { name: name.trim(), role } })),
    onSuccess: (invited) => {
      void queryClient.invalidateQueries({ queryKey: ['persons'] })
      setName('')
      setRole('viewer')
      onInvited(invited)
      invite.reset()
    },
    gcTime: 0,
  })
  const errors = formErrors(invite.error)
  return (
    <Modal opened={opened} onClose={onClose} title="Invite somebody">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          invite.mutate()
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            description="The person signs in with it: a mail address is good"
            placeholder="bela@example.org"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors.name}
            maxLength={200}
            autoComplete="off"
            required
            data-autofocus
          />
          <RoleChoice value={role} onChange={setRole} error={errors.role} />
          <FormProblem error={invite.error} fields={['name', 'role']} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={invite.isPending}>
              Make the link
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
