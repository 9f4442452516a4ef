import type { Credential } from '@keybearer/client'

/** Returns the names of whoever depends on a credential: access keys that used it, and the saved actions that name it. */
export const usersOf = ({ used_by: { items, actions } }: Credential): string[] => [...items, ...actions].map(({ name }) => name)

/** Returns how many they are: of the access keys only the first ones are named. */
export const countUsers = ({ used_by: { count, actions } }: Credential): number => count + actions.length
