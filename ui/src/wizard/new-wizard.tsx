import { Button, Group, Stack } from '@mantine/core'
import type { Credential, NewCredential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { Notice } from '../elements/notice.tsx'
import { api, isUnreachable, newIdempotencyKey } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { ClientStep } from './client-step.tsx'
import { draftErrors, type StepName } from './draft-errors.ts'
import { DraftProvider, useDraftForm } from './draft-form.ts'
import { emptyDraft, usualScopes, withoutSecrets, type Draft } from './draft.ts'
import { toNewCredential } from './draft-send.ts'
import { Refusal } from './refusal.tsx'
import { heedsEndOfSession } from './save-draft.ts'
import { SecretStep } from './secret-step.tsx'
import { readStep } from './start-step.ts'
import { WhatStep } from './what-step.tsx'
import { stepsOf, WizardFrame } from './wizard-frame.tsx'
import { serverErrors } from './server-errors.ts'
import { WizardGuide } from './wizard-guide.tsx'

/** What was typed before the page was left: only in this window's memory, and without secrets. */
let kept: Draft | null = null
export const keptDraft = (): Draft | null => kept

type Props = { initial: Draft; origin: Credential | null; /** Whether `initial` is what was typed before. */ resumed: boolean; onAnew: () => void }

/** The first two steps. At their end the credential is made, so that it can be left and finished later. */
export function NewWizard({ initial, origin, resumed, onAnew }: Props) {
  const navigate = useNavigate()
  const asked = useRouterState({ select: (state) => readStep(state.location.search) })
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const afterwards = useRef<'next' | 'close'>('next')
  const sent = useRef<{ body: string; key: string } | null>(null)
  const scene = useRef<{ step: StepName; provider: Parameters<typeof toNewCredential>[1] }>({ step: 'what', provider: null })

  const form = useDraftForm({
    initialValues: initial,
    initialTouched: { name: initial.name !== '' },
    validate: (values) => draftErrors(values, { ...scene.current, stored: null }),
    validateInputOnChange: true,
  })
  const draft = form.values
  const description = useQuery({
    queryKey: ['provider', draft.provider],
    queryFn: async () => (await api.getProvider({ params: { provider: draft.provider } })).description,
    enabled: draft.kind === 'oauth2' && draft.provider !== '',
  })
  const provider = draft.kind === 'oauth2' ? (description.data ?? null) : null
  const whatDone = Object.keys(draftErrors(draft, { step: 'what', provider, stored: null })).length === 0
  const active: StepName = asked === 'client' && whatDone ? 'client' : 'what'
  scene.current = { step: active, provider }
  const steps = stepsOf(draft.kind, draft.flow === 'person' && draft.file?.kind !== 'authorized_user')

  useEffect(() => {
    kept = JSON.stringify(draft) === JSON.stringify(emptyDraft) || origin !== null ? null : withoutSecrets(draft)
  }, [draft, origin])

  const go = (step: StepName) => {
    setError(null)
    form.clearErrors()
    return navigate({ to: '.', search: ((before: Record<string, unknown>) => ({ ...before, step })) as never })
  }
  const make = async (values: Draft) => {
    setBusy(true)
    setError(null)
    const scopes =
      values.scopes.length === 0 && provider !== null && values.file?.kind !== 'authorized_user' ? usualScopes(provider, values.flow) : values.scopes
    try {
      const registrationName = values.kind === 'oauth2' ? await freeRegistrationName(values) : ''
      const body: NewCredential = toNewCredential({ ...values, scopes, registrationName }, provider)
      const text = JSON.stringify(body)
      // The same thing sent again, after an answer that was lost, makes it once.
      if (sent.current?.body !== text) sent.current = { body: text, key: newIdempotencyKey() }
      const credential = await api.createCredential({ body, idempotencyKey: sent.current.key })
      queryClient.setQueryData(['credential', credential.id], credential)
      for (const key of ['credentials', 'counts', 'registrations']) void queryClient.invalidateQueries({ queryKey: [key] })
      const params = { credential: credential.id } as never
      form.setValues(emptyDraft)
      kept = null
      if (afterwards.current === 'close') await navigate({ to: '/credentials/$credential', params, replace: true })
      else await navigate({ to: '/credentials/$credential/edit', params, search: { ...nextOf(values, credential) } as never, replace: true })
    } catch (problem) {
      if (!isUnreachable(problem)) sent.current = null
      setBusy(false)
      if (heedsEndOfSession(problem)) return
      setError(problem)
      form.setErrors(serverErrors(problem))
    }
  }
  const submit = form.onSubmit(
    (values) => void (active === 'what' ? go('client') : make(values)),
    (errors) => form.getInputNode(Object.keys(errors)[0] ?? '')?.focus(),
  )
  return (
    <DraftProvider form={form}>
      <PageHead title={origin === null ? 'New credential' : `Duplicate of “${origin.name}”`}>
        {origin === null ? 'Made once; automations use it from then on.' : 'Everything but the secrets and the account is filled in.'}
      </PageHead>
      {resumed && (
        <Notice color="gray" mb="md" role="status">
          <Group gap="sm" justify="space-between">
            What you typed before is still here, without the secrets.
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                kept = null
                void go('what')
                onAnew()
              }}
            >
              Start anew
            </Button>
          </Group>
        </Notice>
      )}
      <WizardFrame steps={steps} active={active} reachable={(step) => step === 'what' || (step === 'client' && whatDone)} onStep={(step) => void go(step)}>
        <WizardGuide step={active} provider={provider} stored={null}>
          <form onSubmit={submit} noValidate>
            <Stack gap="lg" maw={860}>
              {active === 'what' && <WhatStep />}
              {active === 'client' && draft.kind === 'oauth2' && <ClientStep provider={provider} stored={null} />}
              {active === 'client' && draft.kind !== 'oauth2' && <SecretStep stored={null} />}
              <ProblemNotice error={description.error} />
              <Refusal error={error} step={active} onStep={(step) => void go(step === 'what' ? 'what' : 'client')} />
              <Group justify="space-between" gap="sm">
                {active === 'what' ? (
                  <Button variant="default" component={Link} to="/credentials">
                    Cancel
                  </Button>
                ) : (
                  <Button variant="default" onClick={() => void go('what')}>
                    Back
                  </Button>
                )}
                <Group gap="sm">
                  {active === 'client' && (
                    <Button
                      variant="default"
                      disabled={busy}
                      onClick={(event) => {
                        afterwards.current = 'close'
                        event.currentTarget.form?.requestSubmit()
                      }}
                    >
                      Save and finish later
                    </Button>
                  )}
                  <Button type="submit" loading={busy} onClick={() => (afterwards.current = 'next')}>
                    {active === 'what' ? 'Go on' : 'Save and go on'}
                  </Button>
                </Group>
              </Group>
            </Stack>
          </form>
        </WizardGuide>
      </WizardFrame>
    </DraftProvider>
  )
}

/** The registration is named like the credential; where that name is taken, a number is added. */
async function freeRegistrationName(draft: Draft): Promise<string> {
  const wanted = draft.registrationName.trim() || draft.name.trim()
  if (draft.registration !== '') return ''
  const { items } = await api.listRegistrations({ query: { limit: 500 } })
  const taken = new Set(items.map((one) => one.name.toLowerCase()))
  let name = wanted
  for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${wanted} ${i}`
  return name
}

/** Where it goes on: the redirect URI of a new registration is known only now. */
function nextOf(draft: Draft, credential: Credential): { step: StepName; made?: true } {
  if (credential.kind !== 'oauth2') return { step: 'name' }
  const mustRegister = credential.grant === 'authorization_code' && draft.registration === '' && draft.file?.kind !== 'authorized_user'
  return mustRegister ? { step: 'client', made: true } : { step: 'scopes' }
}
