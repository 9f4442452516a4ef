import type { Transaction } from 'kysely'
import type { Place, Vault } from '../base/vault.ts'
import { dataKeysOf, deleteDataKey } from '../storage/data-keys.ts'
import { updateMessage } from '../storage/messages.ts'
import type { Tables } from '../storage/tables.ts'

/** Where the content of a message lies, to which it is bound. */
export const contentPlace = (id: string): Place => ({ owner: id, column: 'messages.content' })

/** Forgets the content of a message that nobody needs any more: its key goes, and with it every copy. */
export async function dropContent(trx: Transaction<Tables>, vault: Vault, id: string): Promise<void> {
  await updateMessage(trx, id, { content: await vault.seal(dataKeysOf(trx), { owner: 'messages', column: 'messages.content/gone' }, '') })
  await deleteDataKey(trx, id)
  vault.forget(id)
}
