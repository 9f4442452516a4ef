import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import type { RestorableCredential } from '@keybearer/client'
import { useState } from 'react'
import { ProblemNotice } from '../elements/problem-notice.tsx'

type Props = { credential: RestorableCredential | null; onClose: () => void; onRestore: (credential: RestorableCredential, name: string) => Promise<void> }

/** Asks for another name where another credential has got the old one meanwhile. */
export function RestoreName({ credential, onClose, onRestore }: Props) {
  const [name, setName] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const close = () => {
    setName('')
    setError(null)
    onClose()
  }
  const restore = async () => {
    setBusy(true)
    try {
      await onRestore(credential!, name.trim())
      close()
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened={credential !== null} onClose={close} title={`Restore “${credential?.name ?? ''}” under another name`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void restore()
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            Another credential is called “<bdi>{credential?.name}</bdi>” by now. Access keys find this one again all the same; what asks for it by its name
            needs the new one.
          </Text>
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={200}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
          />
          <ProblemNotice error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={name.trim() === ''}>
              Restore
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
