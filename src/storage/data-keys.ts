import type { Transaction } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import type { DataKeyStore } from '../base/vault.ts'
import { insertOf, prepared } from './prepared.ts'
import type { Database, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

const byOwner = prepared((db, slots: { owner: string }) =>
  db.selectFrom('data_keys').select(['wrapped', 'master_key_version']).where('owner', '=', slots.owner),
)

/** Makes the store of wrapped data keys of a database, or of an open transaction. */
export function dataKeysOf(db: Reader): DataKeyStore {
  const read = async (owner: string) => {
    const [row] = await byOwner(db, { owner })
    return row ? { wrapped: row.wrapped, masterKeyVersion: row.master_key_version } : null
  }
  return {
    read,
    async insert(owner, key) {
      await db
        .insertInto('data_keys')
        .values({ owner, wrapped: key.wrapped, master_key_version: key.masterKeyVersion, created_at: 0 })
        .onConflict((conflict) => conflict.column('owner').doNothing())
        .execute()
      return (await read(owner)) ?? key
    },
  }
}

const insertRows = insertOf('data_keys', ['owner', 'wrapped', 'master_key_version', 'created_at'], 16)

/** Writes the keys of owners that are new, so that nobody else can have made one. */
export async function insertNewDataKeys(trx: Reader, keys: { owner: string; wrapped: Sealed; masterKeyVersion: number }[]): Promise<void> {
  await insertRows(
    trx,
    keys.map(({ owner, wrapped, masterKeyVersion }) => ({ owner, wrapped, master_key_version: masterKeyVersion, created_at: 0 })),
  )
}

/** Makes a store of the one key that was read together with what it opens. */
export function keyRead(row: { id: string; wrapped: Sealed | null; master_key_version: number | null }): DataKeyStore {
  return {
    read: async (owner) =>
      owner !== row.id || row.wrapped === null || row.master_key_version === null ? null : { wrapped: row.wrapped, masterKeyVersion: row.master_key_version },
    insert: () => Promise.reject(new Error('what was read is not written')),
  }
}

/** Makes a store that asks another one once for each key: for work that opens and seals several things of one owner. */
export function readOnce(keys: DataKeyStore): DataKeyStore {
  const known = new Map<string, ReturnType<DataKeyStore['read']>>()
  return {
    async read(owner) {
      const asked = known.get(owner)
      if (asked !== undefined) return await asked
      const found = await keys.read(owner)
      if (found !== null) known.set(owner, Promise.resolve(found))
      return found
    },
    insert: (owner, key) => keys.insert(owner, key),
  }
}

/** Removes a data key: what was sealed under it cannot be opened any more, not even from a copy with the master key gone. */
export async function deleteDataKey(trx: Reader, owner: string): Promise<void> {
  await trx.deleteFrom('data_keys').where('owner', '=', owner).execute()
}

export async function countDataKeys(db: Reader, exceptVersion: number): Promise<number> {
  const row = await db
    .selectFrom('data_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('master_key_version', '!=', exceptVersion)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Returns data keys that are not wrapped by this version, in the order of their owners. */
export async function dataKeysToRewrap(db: Reader, version: number, limit: number): Promise<{ owner: string; wrapped: Sealed; masterKeyVersion: number }[]> {
  const rows = await db.selectFrom('data_keys').selectAll().where('master_key_version', '!=', version).orderBy('owner').limit(limit).execute()
  return rows.map((row) => ({ owner: row.owner, wrapped: row.wrapped, masterKeyVersion: row.master_key_version }))
}

/** Replaces the wrapping of a key unless somebody else did it meanwhile. */
export async function rewrapDataKey(trx: Reader, owner: string, from: number, to: { wrapped: Sealed; masterKeyVersion: number }): Promise<void> {
  await trx
    .updateTable('data_keys')
    .set({ wrapped: to.wrapped, master_key_version: to.masterKeyVersion })
    .where('owner', '=', owner)
    .where('master_key_version', '=', from)
    .execute()
}
