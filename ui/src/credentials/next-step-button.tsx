import { Button, type ButtonProps } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { Credential } from '@keybearer/client'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'

type Action = NonNullable<Credential['next_step']>['action']

const words: Record<Action, string> = {
  finish: 'Finish',
  connect: 'Connect',
  reconnect: 'Reconnect',
  renew_secret: 'Renew secret',
  retry: 'Try now',
  fix: 'Fix',
  resume: 'Resume',
}

/** The one thing to do next, as a button: nothing where nothing is to be done. */
export function NextStepButton({ credential, size = 'compact-xs', ...rest }: { credential: Credential } & Pick<ButtonProps, 'size' | 'variant'>) {
  const [busy, setBusy] = useState(false)
  const step = credential.next_step
  if (step === null) return null
  const common = {
    size,
    variant: rest.variant ?? 'light',
    title: step.text,
    style: { flexShrink: 0 },
    'aria-label': `${words[step.action]} ${credential.name}`,
  }
  switch (step.action) {
    case 'connect':
    case 'reconnect':
      return (
        <Button {...common} component={Link} to="/credentials/$credential/connect" params={{ credential: credential.id } as never}>
          {words[step.action]}
        </Button>
      )
    case 'finish':
    case 'fix':
      return (
        <Button {...common} component={Link} to="/credentials/$credential/edit" params={{ credential: credential.id } as never}>
          {words[step.action]}
        </Button>
      )
    case 'renew_secret':
      return (
        <Button {...common} component={Link} to="/registrations/$registration" params={{ registration: credential.registration?.id ?? '' } as never}>
          {words[step.action]}
        </Button>
      )
    case 'retry':
    case 'resume': {
      const work = async () => {
        setBusy(true)
        try {
          await (step.action === 'retry' ? api.refreshCredential : api.resumeCredential)({ params: { credential: credential.id } })
        } catch (error) {
          notifications.show({ color: 'red', title: `“${credential.name}” does not work yet`, message: error instanceof Error ? error.message : '' })
        } finally {
          setBusy(false)
          void queryClient.invalidateQueries({ queryKey: ['credentials'] })
          void queryClient.invalidateQueries({ queryKey: ['credential'] })
        }
      }
      return (
        <Button {...common} loading={busy} onClick={() => void work()}>
          {words[step.action]}
        </Button>
      )
    }
  }
}
