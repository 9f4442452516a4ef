import { Button, Text } from '@mantine/core'
import type { Session } from '@keybearer/client'
import { useEffect, useState } from 'react'
import { api } from '../api/client.ts'

type Props = {
  title: string
  /** The provider must ask anew who is there. */ again: boolean
  /** Says whether the session is what the page waits for. */ isDone: (session: Session) => boolean
  onDone: (session: Session) => void
  /** Runs when the other window is opened. */ onBegin?: () => void
}

/** Signs in at the OpenID provider in another window, so that this page stays as it is, and goes on when that is done. */
export function ProviderButton({ title, again, isDone, onDone, onBegin }: Props) {
  const [waiting, setWaiting] = useState(false)
  useEffect(() => {
    if (!waiting) return undefined
    const timer = setInterval(() => {
      api.getSession().then(
        (session) => {
          if (!isDone(session)) return
          setWaiting(false)
          onDone(session)
        },
        () => undefined,
      )
    }, 1000)
    return () => clearInterval(timer)
  }, [waiting, isDone, onDone])
  return (
    <>
      <Button
        component="a"
        href={`/oauth/sign-in${again ? '?again=true' : ''}`}
        target="_blank"
        variant="default"
        {...roomForName}
        onClick={() => {
          onBegin?.()
          setWaiting(true)
        }}
      >
        <ProviderWords title={title} />
      </Button>
      {waiting && (
        <Text size="sm" role="status">
          Sign in in the other window. This page goes on by itself.
        </Text>
      )}
    </>
  )
}

/** The name is the administrator's choice, and may take more than one line. */
export const roomForName = { h: 'auto', mih: 36, py: 6, styles: { label: { whiteSpace: 'normal', textAlign: 'center' } } } as const

export function ProviderWords({ title }: { title: string }) {
  return (
    <span>
      Sign in at <bdi>{title}</bdi>
    </span>
  )
}
