import type { Credential } from '@keybearer/client'
import type { StepName } from './draft-errors.ts'

/** Where the wizard goes on for a credential: what is missing, or what its state names. */
export function startStep(credential: Credential): StepName {
  const person = credential.grant === 'authorization_code' || credential.grant === 'device_code'
  switch (credential.status) {
    case 'incomplete':
      if (credential.kind !== 'oauth2') return 'client'
      if (person && !credential.has_refresh_token) return 'consent'
      return 'test'
    case 'needs_consent':
      return person ? 'consent' : 'client'
    case 'misconfigured':
      return /scope/.test(credential.reason?.code ?? '') ? 'scopes' : 'client'
    case 'ready':
    case 'expiring':
    case 'retrying':
    case 'paused':
      return 'client'
  }
}

const names: readonly string[] = ['what', 'client', 'scopes', 'consent', 'name', 'test'] satisfies StepName[]

/** Reads the step from the address bar. */
export function readStep(search: unknown): StepName | null {
  const { step } = search as { step?: unknown }
  return typeof step === 'string' && names.includes(step) ? (step as StepName) : null
}
