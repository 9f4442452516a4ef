import { Button, Center, Container, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { Session } from '@keybearer/client'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { enterSession } from './enter.ts'
import { canUsePasskeys, signInWithPasskey } from './passkey.ts'
import { ProviderButton, ProviderWords, roomForName } from './provider-button.tsx'
import { SignInProblem } from './sign-in-problem.tsx'

/** The whole page when nobody is signed in. */
export function SignIn({ session }: { session: Session }) {
  useDocumentTitle('Sign in – Keybearer')
  return (
    <Center mih="100vh" component="main">
      <Container size={420} w="100%" py="xl">
        <Paper withBorder p="xl">
          <Stack>
            <Title order={1}>{session.setup_needed ? 'Not set up yet' : 'Sign in to Keybearer'}</Title>
            {session.setup_needed ? <NotSetUp session={session} /> : <SignInForm session={session} />}
          </Stack>
        </Paper>
      </Container>
    </Center>
  )
}

/** Who has the printed link goes there; who was invited on the machine of the service can sign in before that. */
function NotSetUp({ session }: { session: Session }) {
  const [invited, setInvited] = useState(false)
  return (
    <>
      <Text>
        The service printed a one-time link when it was started for the first time. Open it to choose a name and a password. If it is lost, stop the service and
        start it again: it prints a new one.
      </Text>
      {invited ? (
        <SignInForm session={session} />
      ) : (
        <Button variant="default" onClick={() => setInvited(true)}>
          I was invited already
        </Button>
      )}
    </>
  )
}

const isSignedIn = (session: Session): boolean => session.person !== null

/** Name and password, a passkey, or the organisation's own sign-in. */
export function SignInForm({ session: { ways }, name: fixedName }: { session: Session; name?: string }) {
  const [name, setName] = useState(fixedName ?? '')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  const enter = (session: Session) => {
    // Somebody else does not go on in a page that was not his.
    if (fixedName !== undefined && session.person?.name !== fixedName) window.location.assign('/')
    else enterSession(session)
  }
  const attempt = async (work: () => Promise<Session>) => {
    setBusy(true)
    setError(null)
    try {
      enter(await work())
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void attempt(() => api.signIn({ body: { name: name.trim(), password } }))
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          required
          readOnly={fixedName !== undefined}
        />
        <PasswordInput
          label="Password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
        />
        <SignInProblem error={error} />
        <Button type="submit" loading={busy}>
          Sign in
        </Button>
        {ways.passkey && canUsePasskeys() && (
          <Button variant="default" disabled={busy} onClick={() => void attempt(signInWithPasskey)}>
            Use a passkey
          </Button>
        )}
        {ways.oidc !== null &&
          (fixedName === undefined ? (
            <Button component="a" href="/oauth/sign-in" variant="default" {...roomForName}>
              <ProviderWords title={ways.oidc.title} />
            </Button>
          ) : (
            <ProviderButton title={ways.oidc.title} again={false} isDone={isSignedIn} onDone={enter} />
          ))}
        {fixedName === undefined && (
          <Text size="xs" c="dimmed">
            Forgotten? An administrator can make a new one-time link under Persons, or on the server: keybearer person link NAME
          </Text>
        )}
      </Stack>
    </form>
  )
}
