import type { Person } from './own-types.ts'

export type Role = Person['role']

export const roleWords: Record<Role, { title: string; meaning: string }> = {
  administrator: { title: 'Administrator', meaning: 'Everything a manager may, and: access keys, the audit trail, persons.' },
  manager: { title: 'Manager', meaning: 'Make, connect, change and delete credentials, registrations, providers and senders; send mail.' },
  viewer: { title: 'Viewer', meaning: 'See which credentials work, until when, and who uses them. Change nothing.' },
}

export const roles: readonly Role[] = ['viewer', 'manager', 'administrator']
