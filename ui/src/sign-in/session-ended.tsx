import { Modal, Stack, Text } from '@mantine/core'
import { useSession } from '../api/session.ts'
import { SignInForm } from './sign-in.tsx'

/** The session ended while the page was open: the sign-in comes over it, and whatever was typed stays where it is. */
export function SessionEnded({ opened, name }: { opened: boolean; name: string }) {
  const { data } = useSession()
  return (
    <Modal
      opened={opened}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title="Your session has ended"
      zIndex={10_000}
    >
      <Stack>
        <Text size="sm">Sign in again to go on. Nothing you typed is lost.</Text>
        {data !== undefined && <SignInForm session={data} name={name} />}
      </Stack>
    </Modal>
  )
}
