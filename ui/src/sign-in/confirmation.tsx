import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core'
import type { Session } from '@keybearer/client'
import { useRef, useState, useSyncExternalStore } from 'react'
import { api, isStaleSession } from '../api/client.ts'
import { useSession } from '../api/session.ts'
import { enterSession } from './enter.ts'
import { canUsePasskeys, signInWithPasskey } from './passkey.ts'
import { ProviderButton } from './provider-button.tsx'
import { SignInProblem } from './sign-in-problem.tsx'

type Asking = { resolve: () => void; reject: (error: unknown) => void }
let asking: Asking | null = null
const listeners = new Set<() => void>()
const set = (next: Asking | null): void => {
  asking = next
  for (const listener of listeners) listener()
}

/**
 * Does something that needs a fresh sign-in: when the service says that the last one is too long ago, the person proves
 * himself and it is done again. Rejects with the refusal when the person does not want to.
 */
export async function withFreshSignIn<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isStaleSession(error)) throw error
    await new Promise<void>((resolve, reject) => set({ resolve, reject: () => reject(error) }))
    return await work()
  }
}

/** Asks for the password, a passkey or the provider once more, before what is hard to undo. */
export function Confirmation() {
  const current = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => asking,
  )
  // As it was when the other window was opened: the session of this page ends while the person signs in there.
  const before = useRef<Session | null>(null)
  const { data: session } = useSession()
  const ways = session?.ways ?? before.current?.ways
  const byPasskey = ways?.passkey === true && canUsePasskeys()
  const byPassword = ways?.password !== false
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const end = (proven: boolean) => {
    setPassword('')
    setError(null)
    set(null)
    if (proven) current?.resolve()
    else current?.reject(null)
  }
  const prove = async (work: () => Promise<Parameters<typeof enterSession>[0]>) => {
    setBusy(true)
    try {
      enterSession(await work())
      end(true)
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened={current !== null} onClose={() => end(false)} title="Is it still you?" zIndex={900}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void prove(() => api.confirmSignIn({ body: { password } }))
        }}
      >
        <Stack>
          <Text size="sm">This needs a sign-in of the last five minutes.</Text>
          {byPassword && (
            <PasswordInput
              label="Password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              autoComplete="current-password"
              data-autofocus
              required
            />
          )}
          {!byPassword && !byPasskey && ways?.oidc == null && (
            <Text size="sm">You have no password, and no passkey that works on this page. Sign out and in again, or ask an administrator for a new link.</Text>
          )}
          <SignInProblem error={error} />
          {ways?.oidc != null && (
            <ProviderButton
              title={ways.oidc.title}
              again
              onBegin={() => {
                before.current = session ?? null
              }}
              isDone={(next) => next.fresh_until !== null && next.fresh_until !== before.current?.fresh_until}
              onDone={(next) => {
                // Somebody else does not go on in a page that was not his.
                if (next.person?.id !== before.current?.person?.id) return window.location.assign('/')
                enterSession(next)
                end(true)
              }}
            />
          )}
          <Group justify="flex-end">
            {byPasskey && (
              <Button
                variant={byPassword ? 'default' : 'filled'}
                disabled={busy}
                onClick={() => void prove(signInWithPasskey)}
                data-autofocus={byPassword ? undefined : true}
              >
                Use a passkey
              </Button>
            )}
            {byPassword && (
              <Button type="submit" loading={busy}>
                Go on
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
