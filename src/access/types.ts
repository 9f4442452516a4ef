import type { Secret } from '../base/secret.ts'

/** What a key may do with a credential. Reading facts, reading tokens, sending mail and sending requests are four rights. */
export const rights = ['read', 'token', 'mail', 'request'] as const
export type Right = (typeof rights)[number]

/** What a key may do beside using credentials. */
export const administrations = ['manage', 'keys', 'audit'] as const
export type Administration = (typeof administrations)[number]

export type Permission = {
  /** Id of a credential, or `*` for all. */
  credential: string
  rights: Right[]
}

export type NewAccessKey = {
  name: string
  permissions: Permission[]
  administration?: Administration[]
  /** CIDR networks the key may be used from; empty: anywhere. */
  networks?: string[]
  expiresAt?: number
}

export type AccessKeyView = {
  id: string
  name: string
  hint: string
  permissions: Permission[]
  administration: Administration[]
  networks: string[]
  expiresAt: number | null
  revokedAt: number | null
  createdAt: number
  createdBy: string
  lastUsedAt: number | null
  lastUsedFrom: string | null
}

export type MadeAccessKey = { view: AccessKeyView; key: Secret }
