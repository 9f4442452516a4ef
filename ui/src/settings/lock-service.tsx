import { Button, Group, Paper, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { KeybearerError } from '@keybearer/client'
import { api } from '../api/client.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'

/** Whether what was under way has ended, and the locked service answers. Between the two nobody does. */
const isSealed = async (): Promise<boolean> =>
  await api.getReadiness().then(
    () => false,
    (error: unknown) => error instanceof KeybearerError && error.problem?.facts?.sealed === true,
  )

/** Locks everything at once. What the browser shows afterwards comes from the locked service: it says so, and has the button to go on. */
export function LockService() {
  const [asking, ask] = useDisclosure(false)
  const lock = async () => {
    await api.lockService()
    while (!(await isSealed())) await new Promise((done) => setTimeout(done, 300))
    window.location.assign('/')
  }
  return (
    <Paper withBorder p="md" component="section" aria-label="Lock">
      <Group justify="space-between" mb="xs">
        <Title order={2}>Lock</Title>
        <Button size="xs" variant="default" color="red" onClick={ask.open}>
          Lock the service
        </Button>
      </Group>
      <Text size="sm">When you fear that somebody got in: nothing is opened any more, no token leaves, and the keys leave the memory.</Text>
      <TypeToConfirm opened={asking} onClose={ask.close} title="Lock the service?" word="lock" button="Lock it" onConfirm={lock}>
        <Text size="sm">
          No automation gets a token, no mail is sent and nothing is renewed, on every node and after a restart too, until somebody who manages the service
          unlocks it: on the page that you will see, or by <span className="mono">keybearer unlock</span>. A master key that is made of a passphrase needs it
          then.
        </Text>
      </TypeToConfirm>
    </Paper>
  )
}
