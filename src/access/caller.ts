import { BlockList, isIP } from 'node:net'
import type { Actor } from '../base/actor.ts'
import type { Role } from './roles.ts'
import type { Administration, MailLimits, Right, Rights } from './types.ts'

/** The person behind a call, and the session it came with. */
export type SignedIn = {
  id: string
  name: string
  role: Role
  sessionId: string
  /** Until when he counts as having proven himself just now; null: he does not. */
  freshUntil: number | null
  /** When the session ends in any case. */
  expiresAt: number
}

/** Whoever calls, an access key or a person, with what he may do. Everything that is not named is refused. */
export class Caller {
  readonly actor: Actor
  /** Null when an access key calls. */
  readonly person: SignedIn | null
  /** What it may send at most; null: no limits of its own. */
  readonly mailLimits: MailLimits | null
  readonly #administration: ReadonlySet<Administration>
  readonly #gives: ReadonlySet<Right>
  readonly #anywhere: ReadonlySet<Right>
  readonly #byCredential: ReadonlyMap<string, ReadonlySet<Right>>
  readonly #actions: ReadonlySet<string>

  constructor(rights: Rights, actor: Actor, person: SignedIn | null = null) {
    this.actor = actor
    this.person = person
    this.mailLimits = rights.mailLimits ?? null
    this.#administration = new Set(rights.administration)
    this.#gives = new Set(rights.gives)
    this.#actions = new Set(rights.actions)
    const anywhere = new Set<Right>()
    const byCredential = new Map<string, Set<Right>>()
    for (const { credential, rights: some } of rights.permissions) {
      const set = credential === '*' ? anywhere : (byCredential.get(credential) ?? new Set<Right>())
      if (credential !== '*') byCredential.set(credential, set)
      for (const right of some) set.add(right)
    }
    this.#anywhere = anywhere
    this.#byCredential = byCredential
  }

  /** Who it is, as the beginning of a sentence. */
  get title(): string {
    return this.person === null ? `The access key "${this.actor.name}"` : `${this.actor.name} (${this.person.role})`
  }

  can(right: Right, credentialId: string): boolean {
    return this.#anywhere.has(right) || (this.#byCredential.get(credentialId)?.has(right) ?? false)
  }

  /** Returns whether it may give a new access key this right. */
  mayGive(right: Right, credentialId: string): boolean {
    return this.can(right, credentialId) || this.#gives.has(right) || (right === 'read' && this.administers('manage'))
  }

  /** Returns whether it has the right on at least one credential. */
  canAny(right: Right): boolean {
    return this.#anywhere.has(right) || [...this.#byCredential.values()].some((set) => set.has(right))
  }

  /** Returns whether it may know that the credential exists. */
  knows(credentialId: string): boolean {
    return this.administers('manage') || this.#anywhere.size > 0 || (this.#byCredential.get(credentialId)?.size ?? 0) > 0
  }

  /** Returns the ids of the credentials whose facts it may read; undefined: all. */
  visible(): string[] | undefined {
    if (this.#anywhere.has('read') || this.administers('manage')) return undefined
    return [...this.#byCredential].filter(([, set]) => set.has('read')).map(([id]) => id)
  }

  mayRun(actionId: string): boolean {
    return this.#actions.has('*') || this.#actions.has(actionId)
  }

  /** Returns the ids of the actions that it may run; undefined: all. */
  runnable(): string[] | undefined {
    return this.#actions.has('*') ? undefined : [...this.#actions]
  }

  administers(what: Administration): boolean {
    return this.#administration.has(what)
  }
}

/** Makes a test of addresses against CIDR networks; no network means every address passes. */
export function networkTest(networks: string[]): (address: string | null) => boolean {
  if (networks.length === 0) return () => true
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', prefix] = network.split('/')
    const family = isIP(base) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(base, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  return (address) => {
    if (address === null) return false
    const plain = address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Returns whether a text is an address, with or without a prefix length. */
export function isNetwork(text: string): boolean {
  const [base = '', prefix, ...rest] = text.split('/')
  const family = isIP(base)
  if (family === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32)
}
