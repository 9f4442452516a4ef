import type { Credential, Registration } from '@keybearer/client'
import { api, etag, isConflict, isRefusedSession } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { compare, merged, type Difference } from './conflict-fields.ts'
import type { Draft } from './draft.ts'
import { isChange, toCredentialChange, toRegistrationChange, type Stored } from './draft-send.ts'

export type Saved =
  /** `taken`: labels of fields that somebody else changed meanwhile, and that were not edited here. */
  | { kind: 'saved'; stored: Stored; taken: string[] }
  /** Somebody else changed what was changed here, too: `now` is stored; `seen` is what still counts as the person's beginning. */
  | { kind: 'conflict'; seen: Stored; now: Stored; differences: Difference[] }
  | { kind: 'refused'; seen: Stored; error: unknown }

/** Fetches a credential and its registration as they are now. */
export async function fetchStored(id: string): Promise<Stored> {
  const credential = await api.getCredential({ params: { credential: id } })
  return { credential, registration: await registrationOf(credential) }
}

async function registrationOf(credential: Credential): Promise<Registration | null> {
  return credential.registration === null ? null : await api.getRegistration({ params: { registration: credential.registration.id } })
}

/**
 * Saves what differs from what the person saw. Where somebody else, or a renewal in the background, changed other fields
 * meanwhile, the save is simply repeated on top of that.
 */
export async function saveDraft(draft: Draft, seen: Stored, tries = 3, taken: string[] = []): Promise<Saved> {
  let base = seen
  try {
    const change = toCredentialChange(draft, base)
    if (isChange(change)) {
      const credential = await api.changeCredential({ params: { credential: base.credential.id }, body: change, ifMatch: etag(base.credential.revision) })
      base = { ...base, credential }
    }
    const further = toRegistrationChange(draft, base)
    if (isChange(further) && base.registration !== null) {
      const registration = await api.changeRegistration({
        params: { registration: base.registration.id },
        body: further,
        ifMatch: etag(base.registration.revision),
      })
      base = { ...base, registration }
    }
    if (!isChange(change) && !isChange(further)) return { kind: 'saved', stored: base, taken }
    const stored = await fetchStored(base.credential.id)
    remember(stored)
    return { kind: 'saved', stored, taken }
  } catch (error) {
    if (!isConflict(error)) return { kind: 'refused', seen: base, error }
    try {
      const now = await fetchStored(base.credential.id)
      const found = compare(draft, base, now)
      if (found.conflicts.length > 0 || tries === 0) return { kind: 'conflict', seen: base, now, differences: found.conflicts }
      return await saveDraft(merged(draft, base, now, new Set()), now, tries - 1, [...taken, ...found.taken])
    } catch (problem) {
      return { kind: 'refused', seen: base, error: problem }
    }
  }
}

function remember(stored: Stored): void {
  queryClient.setQueryData(['credential', stored.credential.id], stored.credential)
  for (const key of ['credentials', 'counts', 'registrations', 'registration']) void queryClient.invalidateQueries({ queryKey: [key] })
}

/** Lets the frame show its sign-in when the session has ended; the form stays behind it, to be sent again. */
export function heedsEndOfSession(error: unknown): boolean {
  if (!isRefusedSession(error)) return false
  void queryClient.invalidateQueries({ queryKey: ['session'] })
  return true
}
