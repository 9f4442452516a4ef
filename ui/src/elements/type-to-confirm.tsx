import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { ProblemNotice } from './problem-notice.tsx'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What has to be typed; empty: a click suffices. */ word: string
  button: string
  onConfirm: () => Promise<unknown>
  children: ReactNode
}

/** Asks before something that cannot be taken back; where others depend on it, the name has to be typed. */
export function TypeToConfirm({ opened, onClose, title, word, button, onConfirm, children }: Props) {
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const close = () => {
    setTyped('')
    setError(null)
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    try {
      await onConfirm()
      close()
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (typed.trim() === word) void confirm()
        }}
      >
        <Stack gap="sm">
          {children}
          {word !== '' && (
            <TextInput
              label={`Type “${word}” to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              data-autofocus
              autoComplete="off"
              spellCheck={false}
            />
          )}
          <ProblemNotice error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button color="red.9" type="submit" loading={busy} disabled={typed.trim() !== word}>
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
