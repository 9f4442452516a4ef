import type { Rights } from './types.ts'
import { rights } from './types.ts'

/** What a person may be, the most powerful first. */
export const roles = ['administrator', 'manager', 'viewer'] as const
export type Role = (typeof roles)[number]

/**
 * What each role may do. No role reads tokens: those are for automations. An administrator can make an access key that does,
 * and that is recorded.
 */
export const roleRights: Record<Role, Rights> = {
  administrator: {
    permissions: [{ credential: '*', rights: ['read', 'mail', 'request'] }],
    administration: ['manage', 'keys', 'audit', 'persons', 'purge'],
    actions: ['*'],
    gives: rights,
  },
  manager: { permissions: [{ credential: '*', rights: ['read', 'mail', 'request'] }], administration: ['manage'], actions: ['*'] },
  viewer: { permissions: [{ credential: '*', rights: ['read'] }], administration: [] },
}

/** What a role that this version does not know may do: nothing. */
const none: Rights = { permissions: [], administration: [] }

/** Returns the rights of a role as it is stored. Whatever is not one of the roles has none. */
export const rightsOf = (role: string): Rights => (isRole(role) ? roleRights[role] : none)

export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text)
