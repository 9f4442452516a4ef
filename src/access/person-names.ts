import { Problem } from '../base/problem.ts'
import { nameKey } from '../storage/credential-derived.ts'

/** Returns a name as it is stored: composed (NFC), trimmed, with single spaces. */
const cleanName = (name: string): string => name.normalize('NFC').replace(/\s+/gu, ' ').trim()

/** Folds a name so that two names that look the same are the same: ADMIN, ａｄｍｉｎ and "admin " are admin. */
export const personKey = (name: string): string => nameKey(cleanName(name))

/**
 * Returns the name of a person as it is stored.
 *
 * @throws Problem invalid_request for one that could be taken for another: with invisible characters, or in the form of an id
 */
export function checkPersonName(name: string): string {
  const clean = cleanName(name)
  const wrong = (message: string) => new Problem('invalid_request', 'This name cannot be taken.', { errors: [{ path: 'name', message }] })
  if (clean.length < 1 || clean.length > 100) throw wrong('must have 1 to 100 characters')
  if (/[\p{C}\u115f\u1160\u2028\u2029\u3164\uffa0]/u.test(name)) throw wrong('must not contain control or invisible characters')
  if (/[/\\?#%"<>]/.test(personKey(clean)) || /^\.+$/.test(clean)) throw wrong('must not contain / \\ ? # % " < >')
  if (/^(per|key|cred|ses)_/.test(personKey(clean)) || ['service', 'nobody', 'keybearer'].includes(personKey(clean))) {
    throw wrong('must not look like an id or like the service itself')
  }
  return clean
}
