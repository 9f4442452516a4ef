import type { Action, ActionChange, NewAction } from '@keybearer/client'
import type { Difference } from '../elements/conflict-notice.tsx'
import { requestOf, valuesOf, type ActionValues } from './action-values.ts'

/** Only the parts that differ are sent: two persons who change different parts do not undo each other. */
export function changeOf(base: Action, values: ActionValues): ActionChange {
  const before = requestOf(valuesOf(base))
  const { kind: _, ...now } = requestOf(values)
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => !isSame(value, before[name as keyof NewAction]))) as ActionChange
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Keys of rows say nothing: the same rows with other keys are the same. */
const withoutKeys = (value: unknown): string => JSON.stringify(value, (name, inner: unknown) => (name === 'key' ? undefined : inner))

export const isUnchanged = (base: ActionValues, values: ActionValues): boolean => withoutKeys(base) === withoutKeys(values)

/** Puts in what somebody else changed meanwhile, wherever this form has it as it was. */
export function takeNewer(values: ActionValues, before: ActionValues, now: ActionValues): ActionValues {
  const merge = <Part extends object>(mine: Part, old: Part, newer: Part): Part =>
    Object.fromEntries(
      Object.entries(mine).map(([name, value]: [string, unknown]) => {
        const was: unknown = old[name as keyof Part]
        const is: unknown = newer[name as keyof Part]
        if (isPlain(value) && isPlain(was) && isPlain(is)) return [name, merge(value, was, is)]
        return [name, withoutKeys(value) === withoutKeys(was) ? is : value]
      }),
    ) as Part
  return merge(values, before, now)
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const words: Record<string, string> = { on_error: 'On error', next: 'After a success', failure: 'What counts as a failure', request: 'Request', email: 'Mail' }
const titled = (name: string) => words[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

/** What differs between two states of an action, field by field. */
export function differencesOf(before: Action, now: Action): Difference[] {
  const one = leavesOf(nameless(before))
  const other = leavesOf(nameless(now))
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((field) => one.get(field) !== other.get(field))
    .map((field) => ({ field, before: one.get(field) ?? '', now: other.get(field) ?? '' }))
}

const nameless = ({ name, description, email, request, failure, on_error, next }: Action) => ({ name, description, email, request, failure, on_error, next })

function leavesOf(parts: object, path = ''): Map<string, string> {
  const leaves = new Map<string, string>()
  for (const [name, value] of Object.entries(parts) as [string, unknown][]) {
    const at = path === '' ? titled(name) : `${path}, ${name.replaceAll('_', ' ')}`
    if (isPlain(value) && 'id' in value && 'name' in value) leaves.set(at, String(value.name))
    else if (isPlain(value)) for (const [inner, text] of leavesOf(value, at)) leaves.set(inner, text)
    else leaves.set(at, value === null || value === undefined ? '' : typeof value === 'string' ? value.slice(0, 200) : JSON.stringify(value).slice(0, 200))
  }
  return leaves
}
