import type { Clock } from '../base/clock.ts'
import { randomToken } from '../base/ids.ts'
import type { Sealed } from '../base/sealed.ts'
import { rewrapDataKey } from './data-keys.ts'
import { insertMasterKey, retireMasterKeys } from './facts.ts'
import type { Database } from './tables.ts'
import { inTransaction } from './transaction.ts'

type StoredKey = { owner: string; wrapped: Sealed; masterKeyVersion: number }
type Rewrapped = { owner: string; from: number; to: { wrapped: Sealed; masterKeyVersion: number } }

const turnName = 'master_key.rotation'
const turnTime = 120_000
const batch = 1000

/** Makes what `crypto/rotation.ts` needs of the database. */
export function masterKeyRotationOf(db: Database, clock: Clock) {
  const holder = randomToken(9)
  const turnUntil = () => JSON.stringify({ holder, until: clock.now() + turnTime })

  return {
    async takeTurn(): Promise<boolean> {
      const made = await db
        .insertInto('facts')
        .values({ name: turnName, value: turnUntil() })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      if (made.numInsertedOrUpdatedRows === 1n) return true
      const there = await db.selectFrom('facts').select('value').where('name', '=', turnName).executeTakeFirst()
      if (!there) return await this.takeTurn()
      const { until } = JSON.parse(there.value) as { until: number }
      // A moment far ahead was written while the clock went wrong.
      if (until > clock.now() && until <= clock.now() + 2 * turnTime) return false
      const taken = await db.updateTable('facts').set({ value: turnUntil() }).where('name', '=', turnName).where('value', '=', there.value).executeTakeFirst()
      return taken.numUpdatedRows === 1n
    },

    async keepTurn(): Promise<void> {
      await db.updateTable('facts').set({ value: turnUntil() }).where('name', '=', turnName).where('value', 'like', `%"${holder}"%`).execute()
    },

    async endTurn(): Promise<void> {
      await db.deleteFrom('facts').where('name', '=', turnName).where('value', 'like', `%"${holder}"%`).execute()
    },

    async noteMasterKey(key: { version: number; fingerprint: string; derivation: string | null }): Promise<void> {
      await insertMasterKey(db, { ...key, created_at: clock.now() })
    },

    async notWrappedBy(version: number, after: string, limit: number): Promise<StoredKey[]> {
      return await notWrappedBy(db, version, after, limit)
    },

    async replace(keys: Rewrapped[]): Promise<void> {
      if (keys.length === 0) return
      await inTransaction(db, async (trx) => {
        for (const key of keys) await rewrapDataKey(trx, key.owner, key.from, key.to)
      })
    },

    async replaceAll(
      key: { version: number; fingerprint: string; derivation: string | null },
      renew: (stored: StoredKey) => Promise<Rewrapped>,
    ): Promise<number> {
      return await inTransaction(db, async (trx) => {
        await insertMasterKey(trx, { ...key, created_at: clock.now() })
        let count = 0
        for (let after = ''; ;) {
          const stored = await notWrappedBy(trx, key.version, after, batch)
          const last = stored.at(-1)
          if (!last) break
          for (const one of stored) {
            const renewed = await renew(one)
            await rewrapDataKey(trx, renewed.owner, renewed.from, renewed.to)
          }
          count += stored.length
          after = last.owner
        }
        await retireMasterKeys(trx, key.version, clock.now())
        return count
      })
    },

    async retireOlderThan(version: number): Promise<void> {
      await retireMasterKeys(db, version, clock.now())
    },
  }
}

async function notWrappedBy(db: Database, version: number, after: string, limit: number): Promise<StoredKey[]> {
  const rows = await db
    .selectFrom('data_keys')
    .select(['owner', 'wrapped', 'master_key_version'])
    .where('master_key_version', '!=', version)
    .where('owner', '>', after)
    .orderBy('owner')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ owner: row.owner, wrapped: row.wrapped, masterKeyVersion: row.master_key_version }))
}
