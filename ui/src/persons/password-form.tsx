import { Button, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useSession } from '../api/session.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { fieldErrors } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

const atLeast = 12

/** Changes one's own password. All other sessions end. */
export function PasswordForm() {
  const { data: session } = useSession()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const change = useMutation({
    mutationFn: () => withFreshSignIn(() => api.changePassword({ body: { current, password } })),
    onSuccess: () => {
      setCurrent('')
      setPassword('')
      setAgain('')
      tell('The password is changed. All your other sessions have ended.')
      void queryClient.invalidateQueries({ queryKey: ['own-sessions'] })
      void queryClient.invalidateQueries({ queryKey: ['session'] })
    },
    gcTime: 0,
  })
  const errors = fieldErrors(change.error)
  const isShort = password !== '' && password.length < atLeast
  const differs = again !== '' && again !== password
  return (
    <Paper withBorder p="md" component="section" aria-label="Password">
      <Title order={2}>Password</Title>
      <Text size="sm" c="dimmed" mb="sm">
        A new one ends all your other sessions.
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isShort && !differs) change.mutate()
        }}
      >
        <Stack maw={420}>
          {/* Password managers put the new password to the right name with it. */}
          <input type="text" autoComplete="username" value={session?.person?.name ?? ''} readOnly hidden />
          <PasswordInput
            label="Present password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            autoComplete="current-password"
            error={errors.current}
            required
          />
          <PasswordInput
            label="New password"
            description={`At least ${atLeast} characters; a few unrelated words are good`}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="new-password"
            error={errors.password ?? (isShort ? `${atLeast - password.length} more characters` : undefined)}
            required
          />
          <PasswordInput
            label="New password again"
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            autoComplete="new-password"
            error={differs ? 'This differs from the password above' : undefined}
            required
          />
          <FormProblem error={change.error} fields={['current', 'password']} />
          <Button type="submit" w="fit-content" loading={change.isPending} disabled={isShort || differs || again === '' || current === ''}>
            Change the password
          </Button>
        </Stack>
      </form>
    </Paper>
  )
}
