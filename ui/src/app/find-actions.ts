import type { Action } from '@keybearer/client'
import { fitOf } from './features.ts'

/** The actions that fit what somebody looks for, by words of their names or by initials. */
export const fittingActions = (actions: readonly Action[], query: string, most: number): Action[] =>
  actions
    .map((action) => ({ action, fit: fitOf(query, { title: action.name, description: action.description }) }))
    .filter(({ fit }) => fit > 0)
    .sort((one, other) => other.fit - one.fit)
    .slice(0, most)
    .map(({ action }) => action)
