import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { fingerprint, Keyring } from '../crypto/keyring.ts'
import { writeKeyFile } from '../crypto/master-key.ts'
import { insertMasterKey, readMasterKeys } from '../storage/facts.ts'
import { databases, openWorldFor, tester } from '../../test/world.ts'
import { AuditTrail } from './audit.ts'
import { MasterKeyRotation } from './master-key-rotation.ts'

for (const database of databases) {
  describe(`the rotation of the master key on ${database}`, () => {
    const open = async (t: TestContext) => {
      const { place, world } = await openWorldFor(t, database)
      const { db, clock, log, bus } = world.context
      // The key of such worlds.
      const key = Buffer.alloc(32).map((_, i) => i + 1)
      const keyring = new Keyring([[1, key]])
      const file = join(place.folder, 'master.key')
      writeKeyFile(file, new Map([[1, key]]))
      await insertMasterKey(db, { version: 1, fingerprint: fingerprint(key), derivation: null, created_at: 1 })
      const audit = new AuditTrail({ db, clock, bus, key: Buffer.alloc(32, 1) })
      const rotation = new MasterKeyRotation({ db, clock, log, audit, keyring, source: 'file', file, alone: true })
      return { db, keyring, file, rotation }
    }

    it('begins once when two ask for it at the same moment, and the key of the first stays', async (t) => {
      const { db, keyring, file, rotation } = await open(t)
      const both = await Promise.allSettled([rotation.start(tester), rotation.start(tester)])
      await rotation.settled()
      assert.equal(both[0].status, 'fulfilled')
      assert.ok(both[1].status === 'rejected' && isProblem(both[1].reason, 'rotation_running') && /is running/.test(both[1].reason.message))
      const known = await readMasterKeys(db)
      assert.deepEqual(
        known.map(({ version }) => version),
        [1, 2],
      )
      assert.equal(fingerprint(keyring.key(2)), known[1]!.fingerprint)
      assert.match(readFileSync(file, 'utf8'), /^kbm1:2:/m)
      assert.ok(readFileSync(file, 'utf8').includes(Buffer.from(keyring.key(2)).toString('base64')))
      assert.equal((await rotation.start(tester)).newestVersion, 3, 'and it can be done again')
      await rotation.settled()
    })

    it('changes neither the keys nor their file when another node has made the version just now', async (t) => {
      const { db, keyring, file, rotation } = await open(t)
      const before = readFileSync(file, 'utf8')
      await insertMasterKey(db, { version: 2, fingerprint: 'of another', derivation: null, created_at: 2 })
      for (let i = 0; i < 2; i++)
        await assert.rejects(rotation.start(tester), (error) => isProblem(error, 'rotation_running') && /version 2/.test(error.message))
      assert.deepEqual(keyring.versions, [1])
      assert.equal(readFileSync(file, 'utf8'), before)
      assert.equal((await readMasterKeys(db))[1]!.fingerprint, 'of another')
    })
  })
}
