import type { AccessKey } from '@keybearer/client'

export type Right = AccessKey['permissions'][number]['rights'][number]
export type Administration = AccessKey['administration'][number]

/** From the least to the most. */
export const rights: readonly { value: Right; title: string; meaning: string }[] = [
  { value: 'read', title: 'Read', meaning: 'See status, until when, last use. Never a secret.' },
  { value: 'request', title: 'Request', meaning: 'Send HTTP requests with the credential, without getting its token.' },
  { value: 'mail', title: 'Mail', meaning: 'Send mail through senders that log in with the credential.' },
  { value: 'token', title: 'Token', meaning: 'Get access tokens themselves. The strongest: a token works anywhere.' },
]

export const administrations: readonly { value: Administration; title: string; meaning: string }[] = [
  {
    value: 'manage',
    title: 'Manage',
    meaning: 'Make, change, delete and restore credentials; make, change and delete registrations, providers and senders; replace the master key.',
  },
  { value: 'keys', title: 'Keys', meaning: 'Make and revoke access keys, with no more rights than its own.' },
  { value: 'audit', title: 'Audit', meaning: 'Read and verify the audit trail.' },
  { value: 'persons', title: 'Persons', meaning: 'Invite persons, change what they may, end their access.' },
  { value: 'purge', title: 'Purge', meaning: 'Destroy deleted credentials for good, before their time is over.' },
  { value: 'calendar', title: 'Calendar', meaning: 'Read the calendar of what ends, and nothing else.' },
]

export const everything = '*'

export type KeyState = 'active' | 'stopped' | 'expired' | 'revoked'

export const stateOf = (key: AccessKey, now: number): KeyState =>
  key.revoked_at !== null
    ? 'revoked'
    : key.stopped_at !== null
      ? 'stopped'
      : key.expires_at !== null && Date.parse(key.expires_at) <= now
        ? 'expired'
        : 'active'

/** What a key may do with a credential, by name or by "all credentials". */
export const rightsOn = (key: AccessKey, credential: string): Right[] => [
  ...new Set(key.permissions.filter((permission) => permission.credential === credential).flatMap((permission) => permission.rights)),
]
