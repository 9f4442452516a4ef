import { Resolver } from 'node:dns/promises'

/** Returns the names of the servers that take the mail of a domain, the preferred one first; none when that cannot be had in time. */
export async function resolveMailExchangers(domain: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 })
  try {
    const found = await resolver.resolveMx(domain)
    return found
      .sort((a, b) => a.priority - b.priority)
      .map(({ exchange }) => exchange)
      .slice(0, 20)
  } catch {
    return []
  }
}
