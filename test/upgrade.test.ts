import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Decrypter, armor } from 'age-encryption'
import { sql } from 'kysely'
import { migrate, migrations } from '../src/storage/migrate.ts'
import { startChild } from './children/child.ts'
import { openAsItIs, readDataSets, readWhole, storeDataSet, type DataPlace, type DataSet } from './data-sets/data-set.ts'
import { MailServer } from './mail-server.ts'
import { makeService, type TestService } from './service.ts'
import { databases, makeBarePlace, type Place } from './world.ts'

const sets = readDataSets()
const newest = migrations.at(-1)!.version

/** Brings a database to the newest version, as a start of the service does. */
async function bringForward(place: DataPlace, now: number): Promise<void> {
  const { db, dialect, close } = openAsItIs(place)
  await migrate(db, dialect, now)
  await close()
}

/** Makes an installation out of a data set: the database, and the files beside it. */
async function install(set: DataSet, url: string | undefined): Promise<TestService> {
  const service = await makeService(url === undefined ? {} : { KEYBEARER_DATABASE_URL: url })
  mkdirSync(service.config, { mode: 0o700 })
  writeFileSync(join(service.config, 'master.key'), set.masterKey, { mode: 0o600 })
  writeFileSync(join(service.config, 'access-key'), set.localKey, { mode: 0o600 })
  await storeDataSet({ folder: service.data, url }, set, Date.now())
  return service
}

describe('what the data sets are', () => {
  it('P6: there is one of the first version of the database, and one of the newest release', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
    assert.equal(sets.find(({ name }) => name === 'schema-01')?.set.version, 1)
    assert.ok(
      sets.some(({ name }) => name === version),
      `scripts/keep-data-set.ts has made one for ${version}`,
    )
    for (const { set } of sets) assert.ok(set.secrets.length >= 6 && set.tables.audit!.length > 5 && set.tables.messages!.length === 1)
  })
})

for (const kind of databases)
  for (const { name, set } of sets) {
    describe(`an upgrade from ${name}, on ${kind}`, () => {
      let place: Place
      let service: TestService
      const sink = new MailServer({ mechanisms: ['PLAIN'] })
      before(async () => {
        await sink.listen()
        place = await makeBarePlace(kind)
        service = await install(set, place.url)
        await service.start()
      })
      after(async () => {
        await service.remove()
        await place.remove()
        await sink.close()
      })

      it('P6: keeps every secret', async () => {
        for (const [credential, value] of Object.entries(set.values)) assert.equal(await service.get('token', credential), `${value}\n`)
        const passphrase = join(service.folder, 'passphrase')
        writeFileSync(passphrase, 'correct horse battery staple')
        const decrypter = new Decrypter()
        decrypter.addPassphrase('correct horse battery staple')
        const exported = await service.get('export', '--secrets', '--passphrase-file', passphrase)
        const text = await decrypter.decrypt(armor.decode(exported), 'text')
        for (const secret of set.secrets) assert.ok(text.includes(secret), `${secret} is in the export`)
      })

      it('P6: keeps who may do what, what was switched off, and the trail', async () => {
        const asJob = { environment: { KEYBEARER_ACCESS_KEY: set.accessKey } }
        assert.equal((await service.cli(['token', 'weather'], asJob)).stdout, `${set.values.weather}\n`)
        assert.equal((await service.cli(['token', 'mailbox'], asJob)).status, 3)
        assert.match(await service.get('show', 'asleep'), /paused/i)
        const { stdout, stderr, status } = await service.cli(['audit', 'verify'])
        assert.equal(status, 0, stdout + stderr)
        const trail = JSON.parse(await service.get('audit', '--json', '--limit', '500')) as { items: { action: string }[] }
        assert.ok(trail.items.length > set.tables.audit!.length, 'the old records are there, and new ones')
      })

      it('P6: sends what waited', async () => {
        await service.get('sender', 'edit', 'reports', '--port', String(sink.port))
        const [message] = set.tables.messages!
        await service.cli(['message', 'retry', String(message!.id)])
        for (let i = 0; i < 100 && sink.mails.length === 0; i++) await new Promise((done) => setTimeout(done, 100))
        assert.equal(sink.mails.length, 1)
        assert.ok(sink.mails[0]!.data.includes(set.message))
      })
    })

    it(`P6: from ${name} a power cut in any step is gone on from, and the end is the same, on ${kind}`, async () => {
      const now = Date.now()
      const ends: string[] = []
      for (const isCut of [false, true]) {
        const place = await makeBarePlace(kind)
        try {
          await storeDataSet(place, set, now)
          for (const { version } of isCut ? migrations.filter((step) => step.version > set.version) : [])
            for (const moment of ['begin', 'end']) {
              const child = startChild(
                'die-in-migration.ts',
                place.folder,
                String(version),
                moment,
                String(now),
                ...(place.url === undefined ? [] : [place.url]),
              )
              await child.ended
              assert.equal(child.process.signalCode, 'SIGKILL')
            }
          await bringForward(place, now)
          ends.push(await readWhole(place))
        } finally {
          await place.remove()
        }
      }
      assert.ok(ends[0]!.length > 10_000)
      assert.equal(ends[1], ends[0])
    })
  }

for (const kind of databases) {
  it(`P6: a service that is older than its database starts nothing and touches nothing, on ${kind}`, async () => {
    const place = await makeBarePlace(kind)
    const service = await install(sets.at(-1)!.set, place.url)
    try {
      const files = { folder: service.data, url: place.url }
      await bringForward(files, Date.now())
      const { db, close } = openAsItIs(files)
      await sql`insert into schema_versions (version, name, applied_at) values (${newest + 1}, 'from the future', 0)`.execute(db)
      await sql`alter table credentials add column of_the_future text`.execute(db)
      await close()
      const before = await readWhole(files)
      await assert.rejects(service.start(), new RegExp(`ended with 1: .*version ${newest + 1}.*up to ${newest}.*Nothing was changed`))
      assert.equal(await readWhole(files), before)
    } finally {
      await service.remove()
      await place.remove()
    }
  })
}
