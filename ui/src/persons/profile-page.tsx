import { Stack } from '@mantine/core'
import { useSession } from '../api/session.ts'
import { PageHead } from '../elements/page-head.tsx'
import { PasswordForm } from './password-form.tsx'
import { Passkeys } from './passkeys.tsx'
import { roleWords } from './roles.ts'
import { OwnSessions } from './own-sessions.tsx'

/** One's own password, where there is one, passkeys and sessions. */
export function ProfilePage() {
  const { data: session } = useSession()
  const person = session?.person
  return (
    <>
      <PageHead title="My sign-in">
        {person != null && (
          <>
            You are <bdi>{person.name}</bdi>, {roleWords[person.role].title.toLowerCase()}: {roleWords[person.role].meaning}
          </>
        )}
      </PageHead>
      <Stack gap="lg" maw={760}>
        <Passkeys />
        {session?.ways.password !== false && <PasswordForm />}
        <OwnSessions />
      </Stack>
    </>
  )
}
