import { draftOf, type Draft } from './draft.ts'
import type { Stored } from './draft-send.ts'
import { fieldLabels } from './field-labels.ts'

/** A field that somebody else changed while it was being edited here. */
export type Difference = { field: keyof Draft; label: string; theirs: string; mine: string; before: string; changedByMe: boolean }

/** What two people may both have changed; secrets cannot be compared. */
const compared: (keyof Draft)[] = [
  'name',
  'description',
  'tags',
  'username',
  'registration',
  'placeholders',
  'clientId',
  'clientAuth',
  'privateKeyId',
  'secretExpiresAt',
  'actFor',
  'scopes',
  'hosts',
  'audience',
  'resource',
  'authorizeParameters',
  'tokenParameters',
  'loginHint',
  'assumedLifetime',
]

/** Compares what the person saw, what he typed, and what is stored now. */
export function differences(draft: Draft, seen: Stored, now: Stored): Difference[] {
  const before = draftOf(seen.credential, seen.registration)
  const after = draftOf(now.credential, now.registration)
  return compared.flatMap((field) => {
    const [was, mine, theirs] = [before, draft, after].map((one) => show(field, one, [seen, now]))
    if (was === theirs || mine === theirs) return []
    const changedByMe = mine !== was
    // Whose account it is, the service finds out by itself: nobody has to decide that.
    return field === 'username' && !changedByMe ? [] : [{ field, label: fieldLabels[field], theirs: theirs!, mine: mine!, before: was!, changedByMe }]
  })
}

/** Puts the person's choice together with what is stored now; what neither saw as different keeps what was typed. */
export function merged(draft: Draft, seen: Stored, now: Stored, keepMine: ReadonlySet<keyof Draft>): Draft {
  const before = draftOf(seen.credential, seen.registration)
  const after = draftOf(now.credential, now.registration)
  const result = { ...draft }
  for (const field of compared) {
    const untouched = show(field, draft, []) === show(field, before, [])
    if (untouched ? !keepMine.has(field) : isChanged(field, before, after) && !keepMine.has(field)) Object.assign(result, { [field]: after[field] })
  }
  return result
}

const isChanged = (field: keyof Draft, before: Draft, after: Draft): boolean => show(field, before, []) !== show(field, after, [])

function show(field: keyof Draft, draft: Draft, known: Stored[]): string {
  const value = draft[field]
  if (field === 'registration') return known.find((one) => one.credential.registration?.id === value)?.credential.registration?.name ?? String(value)
  if (Array.isArray(value)) return value.join(', ')
  if (field === 'placeholders') {
    return Object.entries(draft.placeholders)
      .toSorted(([one], [other]) => one.localeCompare(other))
      .map(([name, text]) => `${name}: ${text}`)
      .join(', ')
  }
  return String(value)
}
