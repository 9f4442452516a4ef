import { Stepper, Title } from '@mantine/core'
import { useEffect, useRef, type ReactNode } from 'react'
import type { StepName } from './draft-errors.ts'
import type { Kind } from './flow.ts'
import styles from './wizard-frame.module.css'

export type Step = { name: StepName; title: string }

/** The steps of a kind. Consent only where a person has to agree. */
export function stepsOf(kind: Kind, needsPerson: boolean): Step[] {
  if (kind !== 'oauth2') {
    return [
      { name: 'what', title: 'What' },
      { name: 'client', title: kind === 'api_key' ? 'API key' : 'User and password' },
      { name: 'name', title: 'Name' },
      { name: 'test', title: 'Test and summary' },
    ]
  }
  return [
    { name: 'what', title: 'What' },
    { name: 'client', title: 'Account and client' },
    { name: 'scopes', title: 'Scopes' },
    ...(needsPerson ? [{ name: 'consent', title: 'Consent' } as const] : []),
    { name: 'name', title: 'Name' },
    { name: 'test', title: 'Test and summary' },
  ]
}

type Props = {
  steps: Step[]
  active: StepName
  /** Steps that can be gone to now. */ reachable: (step: StepName) => boolean
  onStep: (step: StepName) => void
  /** Whether the step shown first takes the focus too: it follows one of another page. */ goesOn?: boolean
  children: ReactNode
}

/** Where one is, as a row of buttons, and the step itself. A new step takes the focus, so that it is read out. */
export function WizardFrame({ steps, active, reachable, onStep, goesOn = false, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  const shown = useRef(goesOn ? null : active)
  const index = Math.max(
    0,
    steps.findIndex((step) => step.name === active),
  )
  useEffect(() => {
    if (shown.current === active) return
    shown.current = active
    heading.current?.focus({ preventScroll: true })
    window.scrollTo({ top: 0 })
  }, [active])
  return (
    <>
      <nav aria-label="Steps">
        <Stepper active={index} onStepClick={(at) => onStep(steps[at]!.name)} size="xs" iconSize={28} wrap={false} classNames={styles} mb="md">
          {steps.map((step, at) => (
            <Stepper.Step
              key={step.name}
              label={step.title}
              allowStepSelect={at !== index && reachable(step.name)}
              disabled={at !== index && !reachable(step.name)}
              aria-current={at === index ? 'step' : undefined}
            />
          ))}
        </Stepper>
      </nav>
      <Title order={2} ref={heading} tabIndex={-1} mb="sm" style={{ outline: 'none' }}>
        {steps[index]?.title}
        <span className={styles.count}>
          {' '}
          step {index + 1} of {steps.length}
        </span>
      </Title>
      {children}
    </>
  )
}
