// Opens the data folder, begins a transaction that it never ends, and waits to be killed.
import { openDatabase } from '../../src/storage/open.ts'
import { writeFact } from '../../src/storage/facts.ts'

const [folder = '', url] = process.argv.slice(2)
const { db } = await openDatabase({ folder, url, now: 1 })
await writeFact(db, 'committed', 'yes')
await db.transaction().execute(async (trx) => {
  await writeFact(trx, 'uncommitted', 'yes')
  process.stdout.write('holding\n')
  await new Promise(() => setInterval(() => undefined, 60_000))
})
