import { Button, Group, Stack, Text } from '@mantine/core'
import type { Credential, Provider, Registration } from '@keybearer/client'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { Notice } from '../elements/notice.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { tell } from '../elements/tell.ts'
import { Conflict } from './conflict.tsx'
import { merged } from './conflict-fields.ts'
import { ClientStep } from './client-step.tsx'
import { ConsentPanel } from './consent-panel.tsx'
import { draftErrors, type StepName } from './draft-errors.ts'
import { DraftProvider, useDraftForm } from './draft-form.ts'
import { draftOf, type Draft } from './draft.ts'
import { isChange, removedSecret, toCredentialChange, toRegistrationChange, type Stored } from './draft-send.ts'
import { LeaveQuestion } from '../elements/leave-question.tsx'
import { MadeFacts } from './made-facts.tsx'
import { NameStep } from './name-step.tsx'
import { Refusal } from './refusal.tsx'
import { heedsEndOfSession, saveDraft, type Saved } from './save-draft.ts'
import { ScopesStep } from './scopes-step.tsx'
import { SecretStep } from './secret-step.tsx'
import { readStep, startStep } from './start-step.ts'
import { TestStep } from './test-step.tsx'
import { stepsOf, WizardFrame } from './wizard-frame.tsx'
import { serverErrors } from './server-errors.ts'
import { WizardGuide } from './wizard-guide.tsx'

type Props = { /** As it is now; what the person began with is kept apart. */ live: Credential; registration: Registration | null; provider: Provider | null }

/** The wizard over a stored credential: finished or not, every step shows what is stored and saves what was changed. */
export function EditWizard({ live, registration, provider }: Props) {
  const navigate = useNavigate()
  const search = useRouterState({ select: (state) => state.location.search })
  const [seen, setSeen] = useState<Stored>({ credential: live, registration })
  const [first] = useState(() => startStep(live))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [conflict, setConflict] = useState<Extract<Saved, { kind: 'conflict' }> | null>(null)
  const afterwards = useRef<'next' | 'close'>('next')
  const leaving = useRef(false)

  const person = live.grant === 'authorization_code' || live.grant === 'device_code'
  const steps = stepsOf(live.kind, person)
  const asked = readStep(search) ?? first
  const active = steps.some((step) => step.name === asked) ? asked : 'client'
  const justMade = (search as { made?: unknown }).made === true

  const form = useDraftForm({
    initialValues: draftOf(seen.credential, seen.registration),
    validate: (draft) => draftErrors(draft, { step: active, provider, stored: seen }),
    validateInputOnChange: true,
  })
  const draft = form.values
  const dirty = isChange(toCredentialChange(draft, seen)) || isChange(toRegistrationChange(draft, seen))
  const removed = removedSecret(draft, seen)

  // What changes elsewhere is taken over as long as nothing was typed here.
  useEffect(() => {
    const moved = live.revision !== seen.credential.revision || (registration !== null && registration.revision !== seen.registration?.revision)
    if (dirty || busy || !moved || live.revision < seen.credential.revision || live.registration?.id !== registration?.id) return
    begin({ credential: live, registration })
  }, [live, registration, dirty, busy])

  function begin(stored: Stored): void {
    setSeen(stored)
    form.initialize(draftOf(stored.credential, stored.registration))
    form.setValues(draftOf(stored.credential, stored.registration))
  }

  const go = (step: StepName) => {
    setError(null)
    form.clearErrors()
    return navigate({ to: '.', search: ((before: Record<string, unknown>) => ({ ...before, step, made: undefined })) as never })
  }
  const close = () => {
    leaving.current = true
    return navigate({ to: '/credentials/$credential', params: { credential: live.id } as never })
  }
  const next = steps[steps.findIndex((step) => step.name === active) + 1]?.name

  const save = async (values: Draft, base: Stored) => {
    setBusy(true)
    setError(null)
    const result = await saveDraft(values, base)
    setBusy(false)
    switch (result.kind) {
      case 'saved':
        begin(result.stored)
        if (result.taken.length > 0) tell(`Saved. Somebody else changed this meanwhile, and it is kept: ${[...new Set(result.taken)].join(', ')}.`)
        if (afterwards.current === 'close' || next === undefined) await close()
        else await go(next)
        return
      case 'conflict':
        setSeen(result.seen)
        setConflict(result)
        return
      case 'refused':
        setSeen(result.seen)
        if (heedsEndOfSession(result.error)) return
        setError(result.error)
        form.setErrors(serverErrors(result.error))
    }
  }
  const submit = form.onSubmit(
    (values) => void save(values, seen),
    (errors) => form.getInputNode(Object.keys(errors)[0] ?? '')?.focus(),
  )
  const finished = live.status !== 'incomplete'
  const consented = live.has_secret && live.status !== 'needs_consent'
  const goWords =
    active === 'test'
      ? 'Done'
      : removed !== null
        ? 'Save, and remove the secret'
        : dirty
          ? 'Save and go on'
          : active === 'consent' && !consented
            ? 'Go on without'
            : 'Go on'
  return (
    <DraftProvider form={form}>
      <PageHead title={finished ? `Edit “${live.name}”` : `Finish “${live.name}”`}>
        {finished ? 'Secrets are never shown; an empty field keeps what is stored.' : 'It is saved. You can leave any time and finish later.'}
      </PageHead>
      <WizardFrame steps={steps} active={active} reachable={() => true} onStep={(step) => void go(step)} goesOn={readStep(search) !== null}>
        <WizardGuide step={active} provider={provider} stored={seen}>
          <form onSubmit={submit} noValidate>
            <Stack gap="lg" maw={860}>
              {active === 'what' && <MadeFacts credential={live} />}
              {active === 'client' && live.kind === 'oauth2' && <ClientStep provider={provider} stored={seen} justMade={justMade} />}
              {active === 'client' && live.kind !== 'oauth2' && <SecretStep stored={seen} />}
              {active === 'scopes' && <ScopesStep provider={provider} />}
              {active === 'consent' && <ConsentPanel credential={live} provider={provider} onEditClient={() => void go('client')} />}
              {active === 'name' && <NameStep stored={seen} />}
              {active === 'test' && <TestStep credential={live} onFix={() => void go(startStep(live) === 'test' ? 'client' : startStep(live))} />}
              <div aria-live="polite">
                {removed !== null && (
                  <Notice color="orange" icon={<IconAlertTriangle aria-hidden />} title="Saving this removes a stored secret" maw={760}>
                    {removed} So that it cannot go where it was not meant for, it is removed
                    {live.kind === 'oauth2'
                      ? person
                        ? ', and somebody has to connect again.'
                        : '. Enter it again, or new tokens are fetched.'
                      : '. Enter it again to keep it working.'}
                  </Notice>
                )}
              </div>
              <Refusal error={error} step={active} onStep={(step) => void go(step)} />
              <Group justify="space-between" gap="sm">
                <Button
                  variant="default"
                  disabled={active === steps[0]!.name}
                  onClick={() => void go(steps[steps.findIndex((step) => step.name === active) - 1]!.name)}
                >
                  Back
                </Button>
                <Group gap="sm">
                  {active !== 'test' && (
                    <Button
                      variant="default"
                      disabled={busy}
                      onClick={(event) => {
                        afterwards.current = 'close'
                        event.currentTarget.form?.requestSubmit()
                      }}
                    >
                      {finished ? (dirty ? 'Save and close' : 'Close') : dirty ? 'Save and finish later' : 'Finish later'}
                    </Button>
                  )}
                  <Button
                    type="submit"
                    loading={busy}
                    color={removed !== null ? 'red.9' : undefined}
                    variant={active === 'consent' && !consented && !dirty ? 'default' : 'filled'}
                    onClick={() => (afterwards.current = 'next')}
                  >
                    {goWords}
                  </Button>
                </Group>
              </Group>
            </Stack>
          </form>
        </WizardGuide>
      </WizardFrame>
      {conflict !== null && (
        <Conflict
          differences={conflict.differences}
          onClose={() => setConflict(null)}
          onDecide={(keepMine) => {
            const values = merged(draft, conflict.seen, conflict.now, keepMine)
            setConflict(null)
            setSeen(conflict.now)
            form.setValues(values)
            void save(values, conflict.now)
          }}
        />
      )}
      <LeaveQuestion dirty={dirty} leaving={leaving} />
      {active === 'what' && (
        <Text size="sm" mt="md">
          <Link to="/credentials/new" search={{ from: live.id } as never}>
            Duplicate it
          </Link>
        </Text>
      )}
    </DraftProvider>
  )
}
