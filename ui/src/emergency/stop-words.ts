import type { EmergencyStop, StoppedCredential } from '@keybearer/client'
import { countOf } from '../elements/count-of.ts'

export const stateWords: Record<StoppedCredential['state'], string> = {
  stopped: 'Switched off',
  waiting: 'Tokens are about to be taken back',
  revoking: 'The provider is asked again',
  revoked: 'Tokens taken back',
  not_revoked: 'Left for a person',
}

/** How far a stop is, in one sentence. */
export function progressOf({ counts, total, undone_at }: EmergencyStop): string {
  if (undone_at !== null) return 'Switched on again'
  const under = counts.waiting + counts.revoking
  const parts = [
    under > 0 ? `${under.toLocaleString()} tokens still to be taken back` : '',
    counts.revoked > 0 ? `${counts.revoked.toLocaleString()} taken back` : '',
    counts.not_revoked > 0 ? `${counts.not_revoked.toLocaleString()} left for a person` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? `${countOf(total)} switched off` : parts.join(', ')
}

/** What was meant, as it was named. */
export function matchWords(match: EmergencyStop['match']): string {
  const words: Record<keyof EmergencyStop['match'], string> = {
    search: 'with',
    status: 'that are',
    kind: 'of the kind',
    provider: 'of the provider',
    registration: 'of the registration',
    tag: 'tagged',
    account: 'of the account',
    used_by: 'used by the key',
    created_before: 'made before',
    unused_since: 'not used since',
  }
  const named = Object.entries(match).filter(([, value]) => value !== undefined) as [keyof EmergencyStop['match'], string | string[]][]
  if (named.length === 0) return 'Everything'
  const say = (value: string | string[]) =>
    Array.isArray(value) ? value.join(' or ').replaceAll('_', ' ') : /^\d{4}-\d\d-\d\dT/.test(value) ? value.slice(0, 10) : value
  return `Those ${named.map(([field, value]) => `${words[field]} ${say(value)}`).join(', ')}`
}
