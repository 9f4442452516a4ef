import { BlockList, isIP } from 'node:net'
import type { Actor } from '../base/actor.ts'
import type { AccessKeyView, Administration, Right } from './types.ts'

/** An authenticated access key with what it may do. Everything it does not name is refused. */
export class Caller {
  readonly actor: Actor
  readonly key: AccessKeyView
  readonly #anywhere: ReadonlySet<Right>
  readonly #byCredential: ReadonlyMap<string, ReadonlySet<Right>>

  constructor(key: AccessKeyView, address: string | null) {
    this.key = key
    this.actor = { id: key.id, name: key.name, kind: 'access_key', address }
    const anywhere = new Set<Right>()
    const byCredential = new Map<string, Set<Right>>()
    for (const { credential, rights } of key.permissions) {
      const set = credential === '*' ? anywhere : (byCredential.get(credential) ?? new Set<Right>())
      if (credential !== '*') byCredential.set(credential, set)
      for (const right of rights) set.add(right)
    }
    this.#anywhere = anywhere
    this.#byCredential = byCredential
  }

  can(right: Right, credentialId: string): boolean {
    return this.#anywhere.has(right) || (this.#byCredential.get(credentialId)?.has(right) ?? false)
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

  administers(what: Administration): boolean {
    return this.key.administration.includes(what)
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
