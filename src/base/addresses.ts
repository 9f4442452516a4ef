import { BlockList, isIP } from 'node:net'

/** Which addresses may be connected to. */
export type AddressRules = {
  /** Returns whether a host, resolved to this address, may be connected to. */
  mayConnect(host: string, address: string, port: number): boolean
  /** Returns whether plain http may be used: on loopback, if loopback is allowed at all. */
  allowsPlain(host: string): boolean
}

// Two lists: one list would also hold every IPv4 address against the IPv6 networks, as ::ffff:a.b.c.d.
const blocked4 = new BlockList()
const blocked6 = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  blocked4.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  // Everything but global unicast, and what in it leads back to IPv4 or nowhere: NAT64, 6to4, Teredo, documentation.
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  blocked6.addSubnet(network, prefix, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Returns whether an address is private, reserved, or leads to one that is. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return true
  return family === 6 ? blocked6.check(withoutZone(address), 'ipv6') : blocked4.check(address, 'ipv4')
}

const withoutZone = (address: string): string => address.split('%')[0]!

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost') return true
  const family = isIP(name)
  return family !== 0 && loopback.check(name, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Makes the rules from the setting: `true` allows every private address; otherwise hosts, `host:port`s, addresses and
 * networks that are allowed although they are private.
 */
export function addressRules(allowed: true | string[]): AddressRules {
  if (allowed === true) return { mayConnect: () => true, allowsPlain: isLoopback }
  const networks4 = new BlockList()
  const networks6 = new BlockList()
  const names = new Set<string>()
  for (const entry of allowed) {
    const [base = '', prefix] = entry.split('/')
    const family = isIP(base)
    if (family === 0) names.add(entry.toLowerCase())
    else if (family === 6) networks6.addSubnet(base, prefix === undefined ? 128 : Number(prefix), 'ipv6')
    else networks4.addSubnet(base, prefix === undefined ? 32 : Number(prefix), 'ipv4')
  }
  const isNamed = (host: string, port: number) => names.has(host.toLowerCase()) || names.has(`${host.toLowerCase()}:${port}`)
  const inNetworks = (address: string) =>
    isIP(address) === 6 ? networks6.check(withoutZone(address), 'ipv6') || networks4.check(withoutZone(address), 'ipv6') : networks4.check(address, 'ipv4')
  return {
    mayConnect: (host, address, port) => !isPrivateAddress(address) || isNamed(host, port) || (isIP(address) !== 0 && inNetworks(address)),
    allowsPlain: (host) =>
      isLoopback(host) &&
      ([...names].some((name) => name === host.toLowerCase() || name.startsWith(`${host.toLowerCase()}:`)) || (isIP(host) !== 0 && inNetworks(host))),
  }
}
