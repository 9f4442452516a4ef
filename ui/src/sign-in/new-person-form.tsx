import { Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { Notice } from '../elements/notice.tsx'
import type { Session } from '@keybearer/client'
import { useState } from 'react'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { enterSession } from './enter.ts'

type Props = { button: string; missingCode: boolean; suggestedName?: string; onSubmit: (name: string, password: string) => Promise<Session> }

/** Name and a new password, typed twice. */
export function NewPersonForm({ button, missingCode, suggestedName = '', onSubmit }: Props) {
  const [name, setName] = useState(suggestedName)
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const differs = again !== '' && again !== password
  const short = password !== '' && password.length < 12
  const submit = async () => {
    setBusy(true)
    setError(null)
    try {
      enterSession(await onSubmit(name.trim(), password))
      window.location.assign('/')
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }
  if (missingCode) {
    return (
      <Notice color="yellow" title="The link is not complete">
        Copy the whole link, with everything behind the “#”, and open it again.
      </Notice>
    )
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!differs && password.length >= 12) void submit()
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          description="For example your mail address"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          required
          maxLength={200}
        />
        <PasswordInput
          label="Password"
          description="At least 12 characters; a few unrelated words are good"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="new-password"
          error={short ? `${12 - password.length} more characters` : undefined}
          required
        />
        <PasswordInput
          label="Password again"
          value={again}
          onChange={(event) => setAgain(event.currentTarget.value)}
          autoComplete="new-password"
          error={differs ? 'This differs from the password above' : undefined}
          required
        />
        <ProblemNotice error={error} />
        <Button type="submit" loading={busy} disabled={differs || password.length < 12 || again === '' || name.trim() === ''}>
          {button}
        </Button>
      </Stack>
    </form>
  )
}
