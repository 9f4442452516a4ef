import { draftOf, type Draft } from './draft.ts'
import type { Stored } from './draft-send.ts'
import { fieldLabels } from './field-labels.ts'

/** A field that two people changed, each in another way. */
export type Difference = { field: keyof Draft; label: string; theirs: string; mine: string }

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
  'consentLifetime',
]

/** What somebody else saved meanwhile: where both changed the same field, somebody has to choose; the rest fits together. */
export type Meanwhile = { conflicts: Difference[]; /** Labels of the fields that only the other one changed. */ taken: string[] }

/** Compares what the person saw, what he typed, and what is stored now. */
export function compare(draft: Draft, seen: Stored, now: Stored): Meanwhile {
  const before = draftOf(seen.credential, seen.registration)
  const after = draftOf(now.credential, now.registration)
  const found: Meanwhile = { conflicts: [], taken: [] }
  for (const field of compared) {
    const [was, mine, theirs] = [before, draft, after].map((one) => show(field, one, [seen, now]))
    if (was === theirs || mine === theirs) continue
    if (mine !== was) found.conflicts.push({ field, label: fieldLabels[field], theirs: theirs!, mine: mine! })
    // Whose account it is, the service finds out by itself: nobody changed that.
    else if (field !== 'username') found.taken.push(fieldLabels[field])
  }
  return found
}

/** Puts what was typed on top of what is stored now. Of what both changed, what the person keeps is his, and the rest the other's. */
export function merged(draft: Draft, seen: Stored, now: Stored, keepMine: ReadonlySet<keyof Draft>): Draft {
  const before = draftOf(seen.credential, seen.registration)
  const after = draftOf(now.credential, now.registration)
  const result = { ...draft }
  for (const field of compared) {
    const touched = isChanged(field, draft, before)
    if (!touched || (isChanged(field, before, after) && !keepMine.has(field))) Object.assign(result, { [field]: after[field] })
  }
  return result
}

const isChanged = (field: keyof Draft, one: Draft, other: Draft): boolean => show(field, one, []) !== show(field, other, [])

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
