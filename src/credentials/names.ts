import type { FieldError } from '../base/problem.ts'
import { nameKey } from '../storage/credential-derived.ts'

/** Returns a name as it is stored: composed (NFC), trimmed, with single spaces. */
export const cleanName = (name: string): string => name.normalize('NFC').replace(/\s+/gu, ' ').trim()

/**
 * Returns what is wrong with a name. Any script and sign is welcome; what could be taken for another thing is not: control
 * and invisible characters, a slash, the form of an id.
 */
export function nameErrors(name: string, path = 'name'): FieldError[] {
  const clean = cleanName(name)
  if (clean.length < 1 || clean.length > 100) return [{ path, message: 'must have 1 to 100 characters' }]
  if (/[\p{Cc}\p{Cs}\p{Co}\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u.test(name)) {
    return [{ path, message: 'must not contain control or invisible characters' }]
  }
  if (/[/\\?#%]/.test(clean) || clean === '.' || clean === '..') return [{ path, message: 'must not contain / \\ ? # %' }]
  if (/^(cred|reg|key|con|snd|msg|prov|job|att|per|ses|act|whk|custom)[_:]/.test(nameKey(clean))) return [{ path, message: 'must not look like an id' }]
  if (nameKey(clean) === '') return [{ path, message: 'must contain something visible' }]
  return []
}
