import { Button, Group, Radio, SimpleGrid, Stack, Text } from '@mantine/core'
import type { Credential, Provider } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { ChoiceCard } from './choice-card.tsx'
import { isUnderWay, useConsentAttempt, type ConsentAttempt, type Way } from './consent-attempt.ts'
import { ConsentEnd } from './consent-end.tsx'
import { ConsentWaiting } from './consent-waiting.tsx'
import { spokenName } from './provider-name.ts'

type Props = { credential: Credential; provider: Provider | null; onEditClient: () => void }

/** Lets a person agree at the provider, in the way that suits, and says how it ended. */
export function ConsentPanel({ credential, provider, onEditClient }: Props) {
  const attempt = useConsentAttempt(credential.id)
  const asked = useRouterState({ select: (state) => readWay(state.location.search) })
  const [way, setWay] = useState<Way>(asked ?? (credential.grant === 'device_code' ? 'device' : 'tab'))
  const registration = credential.registration?.id ?? ''
  const found = useQuery({
    queryKey: ['registrations', 'one', registration],
    queryFn: () => api.getRegistration({ params: { registration } }),
    enabled: registration !== '',
  })
  const foreign = found.data?.own_redirect === false
  const chosen: Way = foreign && way !== 'device' ? 'paste' : way
  const { consent } = attempt
  const name = credential.provider?.name ?? spokenName(provider)
  const phase = consent === null ? 'choice' : isUnderWay(consent) ? 'waiting' : 'end'
  const place = useRef<HTMLDivElement>(null)
  const shown = useRef(phase)
  // What was clicked is gone in the next phase: the focus stays here, and the change is read out.
  useEffect(() => {
    if (shown.current !== phase) place.current?.focus({ preventScroll: true })
    shown.current = phase
  }, [phase])
  return (
    <div ref={place} tabIndex={-1} role="group" aria-label="Connect" style={{ outline: 'none' }}>
      {consent !== null && phase === 'waiting' && <ConsentWaiting attempt={attempt} consent={consent} providerName={name} />}
      {consent !== null && phase === 'end' && (
        <ConsentEnd consent={consent} credential={credential} attempt={attempt} way={attempt.started?.way ?? chosen} onEditClient={onEditClient} />
      )}
      {consent === null && (
        <Choice credential={credential} provider={provider} attempt={attempt} way={chosen} onWay={setWay} onEditClient={onEditClient} foreign={foreign} />
      )}
    </div>
  )
}

type ChoiceProps = Props & {
  attempt: ConsentAttempt
  way: Way
  onWay: (way: Way) => void
  /** The redirect belongs to another application. */ foreign: boolean
}

function Choice({ credential, provider, attempt, way, onWay, onEditClient, foreign }: ChoiceProps) {
  const name = credential.provider?.name ?? spokenName(provider)
  const byPerson = provider === null || provider.grants.includes('authorization_code')
  const browser = byPerson && !foreign
  const device = provider?.device_authorization_endpoint !== undefined
  return (
    <Stack gap="md">
      <Text size="sm">
        {credential.has_secret ? 'It is connected already' : 'Nobody is connected yet'}
        {credential.username !== null && (
          <>
            {credential.has_secret ? ' as ' : '; it is meant for '}
            <bdi>{credential.username}</bdi>
          </>
        )}
        . Whoever has the account signs in at {name} and agrees to what this credential may do. Keybearer never sees the password.
      </Text>
      <Radio.Group label="How do you want to get there?" value={way} onChange={(value) => onWay(value)}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" mt={6}>
          {browser && <ChoiceCard value="tab" title="In a new tab" meaning="The quickest, if you have the account. This page notices when you are done." />}
          {browser && <ChoiceCard value="here" title="In this tab" meaning="When new tabs are blocked. Everything here is saved, and a link leads back." />}
          {device && (
            <ChoiceCard value="device" title="With a code, on another device" meaning="Scan a picture with a telephone, or type a short code anywhere." />
          )}
          {byPerson && (
            <ChoiceCard
              value="paste"
              title="Copy an address back"
              meaning="When the browser that signs in cannot reach this service: you paste where it ended up."
            />
          )}
          {browser && (
            <ChoiceCard
              value="link"
              title="With a link to send"
              meaning="When somebody else has the account: a page tells them who asks for what. It needs no sign-in here."
            />
          )}
        </SimpleGrid>
      </Radio.Group>
      <ProblemNotice
        error={attempt.error}
        title="The sign-in could not be started"
        action={
          <Button size="compact-xs" variant="default" onClick={onEditClient}>
            Look at the client
          </Button>
        }
      />
      <Group>
        <Button onClick={() => attempt.begin(way)} loading={attempt.starting} disabled={credential.status === 'paused'}>
          {startWords[way]}
        </Button>
        {credential.status === 'paused' && <Text size="sm">It is paused. Resume it first.</Text>}
      </Group>
    </Stack>
  )
}

const startWords: Record<Way, string> = {
  tab: 'Sign in in a new tab',
  here: 'Sign in here',
  device: 'Get a code',
  paste: 'Get the address',
  link: 'Make a link',
}

/** The way that a link to this page asks for. */
function readWay(search: unknown): Way | null {
  const { way } = search as { way?: unknown }
  return way === 'link' ? way : null
}
