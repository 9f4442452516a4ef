// Seals canaries into every secret column, changes and deletes some, and waits to be killed with everything still in the journal.
import { createVault } from '../../src/crypto/vault.ts'
import { loadMasterKeys } from '../../src/crypto/master-key.ts'
import { dataKeysOf } from '../../src/storage/data-keys.ts'
import { insertMasterKey } from '../../src/storage/facts.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { sql } from 'kysely'
import { Sealed } from '../../src/base/sealed.ts'

const [folder = '', file = ''] = process.argv.slice(2)
const { db } = await openDatabase({ folder, now: 1 })
const { keyring, isNew } = loadMasterKeys({ file, dataFolder: folder }, [])
await insertMasterKey(db, { ...isNew!, created_at: 1 })
const vault = createVault(keyring)
const tables = (await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(db)).rows
// Rows that refer to nothing: the program's own connection would refuse them.
const native = new DatabaseSync(join(folder, 'keybearer.db'), { timeout: 5000, enableForeignKeyConstraints: false })
const write = (text: string, ...values: unknown[]) =>
  native.prepare(text).run(...values.map((value) => (value instanceof Sealed ? value.bytes : (value as SQLInputValue))))
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
      write(`insert into "${table}" values (${values.map(() => '?').join(', ')})`, ...values)
      const first = columns[0]!.name
      const id = `${place.owner}-${columns[0]!.name}`
      if (what === 'changed') write(`update "${table}" set "${secret.name}" = ? where "${first}" = ?`, await seal('new'), id)
      if (what === 'deleted') write(`delete from "${table}" where "${first}" = ?`, id)
    }
    process.stdout.write(`sealed ${table}.${secret.name}\n`)
  }
}
process.stdout.write('kept\n')
setInterval(() => undefined, 60_000)
