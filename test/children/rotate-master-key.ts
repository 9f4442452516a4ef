// Seals secrets and rotates the master key over and over, and says what has been committed, until it is killed.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.ts'
import { loadMasterKeys } from '../../src/crypto/master-key.ts'
import { finishRotation, rotateMasterKey, type Rotation } from '../../src/crypto/rotation.ts'
import { createVault } from '../../src/crypto/vault.ts'
import { dataKeysOf } from '../../src/storage/data-keys.ts'
import { insertMasterKey, readMasterKeys } from '../../src/storage/facts.ts'
import { masterKeyRotationOf } from '../../src/storage/master-key-rotation.ts'
import { openDatabase } from '../../src/storage/open.ts'

const [folder = '', file = '', prefix = '', url] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)
const { db } = await openDatabase({ folder, url, now: systemClock.now() })
const { keyring, isNew, source } = loadMasterKeys({ file, dataFolder: folder }, await readMasterKeys(db))
if (isNew) await insertMasterKey(db, { ...isNew, created_at: systemClock.now() })
const vault = createVault(keyring)
const rotation: Rotation = { keyring, source, file, store: masterKeyRotationOf(db, systemClock), clock: systemClock, grace: 10 }

async function write(): Promise<void> {
  for (let i = 0; ; i++) {
    const owner = `${prefix}${i}`
    const reply = await vault.seal(dataKeysOf(db), { owner, column: 'idempotency.reply' }, `secret of ${owner}`)
    await db.insertInto('idempotency').values({ access_key_id: 'k', key: owner, request_hash: '', reply, status: null, created_at: 1 }).execute()
    say(`kept ${owner}`)
    await nextTurn()
  }
}

async function rotate(): Promise<void> {
  // What an interrupted process left behind holds its turn for a while.
  await db.deleteFrom('facts').where('name', '=', 'master_key.rotation').execute()
  if (await finishRotation(rotation)) say('finished')
  for (;;) {
    const { version, unreadable } = await rotateMasterKey(rotation)
    say(unreadable.length === 0 ? `rotated ${version}` : `unreadable ${unreadable.join()}`)
  }
}

say('started')
await Promise.all([write(), rotate()])
