import { createClient, type Client } from '../../client/src/client.ts'
import { findConnection } from './connection.ts'
import { lightTransport } from './transport.ts'

/** Connects to the service with the local or the given access key. */
export function connectService(): Client {
  const { url, accessKey } = findConnection()
  return createClient({ url, accessKey, transport: lightTransport })
}

/** Reads every page of a list. */
export async function allPages<Item>(page: (cursor: string | undefined) => Promise<{ items: Item[]; next: string | null }>): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const answer = await page(cursor)
    items.push(...answer.items)
    cursor = answer.next ?? undefined
  } while (cursor !== undefined)
  return items
}
