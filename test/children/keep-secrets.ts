// Seals canaries into every secret column, changes and deletes some, and waits to be killed with everything still in the journal.
import { createVault } from '../../src/crypto/vault.ts'
import { loadMasterKeys } from '../../src/crypto/master-key.ts'
import { dataKeysOf } from '../../src/storage/data-keys.ts'
import { insertMasterKey } from '../../src/storage/facts.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from 'kysely'

const [folder = '', file = ''] = process.argv.slice(2)
const { db } = await openDatabase({ folder, now: 1 })
const { keyring, isNew } = loadMasterKeys({ file, dataFolder: folder }, [])
await insertMasterKey(db, { ...isNew!, created_at: 1 })
const vault = createVault(keyring)
const tables = (await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(db)).rows
await sql`pragma foreign_keys = off`.execute(db)
for (const { name: table } of tables) {
  const columns = (await sql<{ name: string; type: string; pk: number }>`select name, lower(type) as type, pk from pragma_table_info(${table})`.execute(db))
    .rows
  for (const secret of columns.filter(({ type }) => type === 'blob')) {
    if (table === 'data_keys') continue
    for (const what of ['kept', 'changed', 'deleted']) {
      const place = { owner: `${table}-${secret.name}-${what}`, column: `${table}.${secret.name}` }
      const seal = (text: string) => vault.seal(dataKeysOf(db), place, `canary-${text}-${'0123456789'.repeat(30)}`)
      const values = await Promise.all(
        columns.map(async ({ name, type, pk }) =>
          name === secret.name ? await seal(what) : type === 'integer' ? (pk ? null : 1) : type === 'blob' ? await seal('filler') : `${place.owner}-${name}`,
        ),
      )
      await sql`insert into ${sql.table(table)} values (${sql.join(values)})`.execute(db)
      const first = sql.ref(columns[0]!.name)
      const id = `${place.owner}-${columns[0]!.name}`
      if (what === 'changed') await sql`update ${sql.table(table)} set ${sql.ref(secret.name)} = ${await seal('new')} where ${first} = ${id}`.execute(db)
      if (what === 'deleted') await sql`delete from ${sql.table(table)} where ${first} = ${id}`.execute(db)
    }
    process.stdout.write(`sealed ${table}.${secret.name}\n`)
  }
}
process.stdout.write('kept\n')
setInterval(() => undefined, 60_000)
