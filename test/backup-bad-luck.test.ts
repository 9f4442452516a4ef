import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { BackupReading, writeBackupHead, type BackupHead } from '../src/base/backup-file.ts'
import { isProblem } from '../src/base/problem.ts'
import { until } from './mail-world.ts'
import { makeService, runCommand, type TestService } from './service.ts'
import { mountSmallDisk } from './small-disk.ts'

const entry = join(import.meta.dirname, '..', 'bin', 'keybearer.js')

/** Makes the embedded store some megabytes large, so that a copy takes its time. */
function grow(data: string, megabytes: number): void {
  const native = new DatabaseSync(join(data, 'keybearer.db'))
  native.exec('create table ballast (content blob)')
  const insert = native.prepare('insert into ballast values (?)')
  for (let i = 0; i < megabytes; i++) insert.run(randomBytes(1_000_000))
  native.exec('pragma wal_checkpoint(truncate)')
  native.close()
}

/** Fills a disk until only so many bytes are left. */
function fill(folder: string, left: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const file = openSync(join(folder, 'ballast'), 'w')
  const block = Buffer.alloc(65_536)
  for (let size = bavail * bsize - left; size > 0; size -= block.length) writeSync(file, block)
  closeSync(file)
}

describe('backup and restore in bad luck', () => {
  let service: TestService
  let whole: Buffer
  let head: BackupHead
  before(async () => {
    service = await makeService()
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'CANARY-crm\n')
    await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'))
    await service.stop()
    grow(service.data, 24)
    await service.start()
    await service.get('backup', path('whole.backup'))
    whole = readFileSync(path('whole.backup'))
    const reading = new BackupReading()
    reading.take(whole)
    head = reading.end()
  })
  after(async () => {
    await service?.remove()
  })

  const path = (name: string) => join(service.folder, name)
  const copies = (data = service.data) => readdirSync(data).filter((name) => name.endsWith('.tmp'))
  const audited = async () => (await service.get('audit', '--action', 'backup.made')).trim().split('\n')

  /** Begins a backup as the command does, and takes only its first piece. */
  const begin = (): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
      const call = request(`${service.url}/v1/backup`, { method: 'POST', headers: { authorization: `Bearer ${key}` } }, (response) => {
        response.once('readable', () => {
          response.read(100)
          done(response)
        })
      })
      call.once('error', fail)
      call.end()
    })

  it('a second backup at once is told to wait, and the next one works when the first is cut off', async () => {
    const first = await begin()
    assert.equal(first.statusCode, 200)
    const second = await service.cli(['backup', path('second.backup')])
    assert.deepEqual([second.status, second.stdout], [75, ''])
    assert.match(second.stderr, /^✗ Another backup is being made\.\n/)
    assert.ok(!existsSync(path('second.backup')))
    first.destroy()
    const third = await until('the next one works', async () => {
      const result = await service.cli(['backup', path('third.backup')])
      return result.status === 0 ? result : undefined
    })
    assert.match(third.stderr, /checked/)
    assert.deepEqual(copies(), [])
    assert.match((await audited()).join('\n'), /failed.*cut_off|cut_off.*failed/)
  })

  it('whoever begins backups and goes away at once holds nobody up', async () => {
    for (let i = 0; i < 5; i++) {
      await new Promise<void>((done) => {
        const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
        const call = request(`${service.url}/v1/backup`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
        call.on('error', () => undefined)
        call.end(() => setTimeout(() => done(void call.destroy()), i * 5))
      })
    }
    await until('the next one works', async () => (await service.cli(['backup', path(`after-${Math.random()}.backup`)])).status === 0)
    assert.deepEqual(copies(), [])
  })

  it('the service killed over a copy: no file is taken for a backup, nothing is left behind, and no time of a backup is told', async () => {
    const told = async () => (JSON.parse(await service.get('status', '--json')) as { backup: { last_at: string } }).backup.last_at
    const before = await told()
    const first = await begin()
    const ended = new Promise<void>((done) => {
      first.on('error', () => undefined)
      first.on('close', () => done())
    })
    assert.ok(copies().length > 0, 'the copy is there while it is taken')
    // A command of its own meets the same end.
    const command = service.cli(['backup', path('killed.backup')])
    await service.kill9()
    first.destroy()
    await ended
    assert.notEqual((await command).status, 0)
    assert.ok(!existsSync(path('killed.backup')))
    assert.ok(copies().length > 0, 'the rest of the copy')
    await service.start()
    assert.deepEqual(copies(), [])
    assert.equal(await told(), before)
    assert.equal((await service.cli(['backup', path('next.backup')])).status, 0)
  })

  it('the command killed while it writes: what it had begun is not called a backup, and is refused as one', async () => {
    mkdirSync(path('dying'))
    const dying = async (file: string, step: number, how: string) => {
      for (;;) {
        const { status } = await runCommand([process.execPath, '--import', join(import.meta.dirname, 'children', 'die-at-step.ts'), entry, 'backup', file], {
          ...service.environment,
          KEYBEARER_TEST_DIE_IN: path('dying'),
          KEYBEARER_TEST_DIE_AT: String(step),
          KEYBEARER_TEST_DIE_HOW: how,
        })
        // The service has not noticed yet that nobody takes the one before.
        if (status !== 75) return status
      }
    }
    const whatIsThere = (file: string) => {
      if (!existsSync(file)) return 'nothing'
      const reading = new BackupReading()
      reading.take(readFileSync(file))
      reading.end()
      return 'whole'
    }
    const found: string[] = []
    for (let step = 1; ; step++) {
      const file = path(`dying/${step}.backup`)
      const status = await dying(file, step, 'before')
      found.push(whatIsThere(file))
      if (status === 0) break
    }
    // open, write, fsync, link; then it is there, and its name is made to last.
    assert.deepEqual([found.slice(0, 4), found.slice(4).every((one) => one === 'whole')], [Array.from({ length: 4 }, () => 'nothing'), true])
    assert.notEqual(await dying(path('dying/half.backup'), 2, 'half'), 0)
    assert.equal(whatIsThere(path('dying/half.backup')), 'nothing')
    const rests = readdirSync(path('dying')).filter((name) => name.includes('unfinished'))
    assert.ok(rests.length > 0)
    const environment = { KEYBEARER_DATA: path('rest/data'), KEYBEARER_CONFIG: service.config }
    const refused = await service.cli(['restore', path(`dying/${rests[0]}`)], { environment })
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /cut off|is no backup/)
  })

  it('a disk without room for the copy: the backup is refused before anything is written, and the service goes on', async (t) => {
    const disk = mountSmallDisk('60m')
    if (disk === null) return t.skip('needs the right to mount')
    const other = await makeService({ KEYBEARER_DATA: join(disk.folder, 'data') })
    try {
      await other.start()
      await other.stop()
      grow(other.data, 24)
      await other.start()
      assert.equal((await other.cli(['backup', join(other.folder, 'fits.backup')])).status, 0)
      fill(disk.folder, 20_000_000)
      const refused = await other.cli(['backup', join(other.folder, 'full.backup')])
      assert.deepEqual([refused.status, refused.stdout], [75, ''])
      assert.match(refused.stderr, /The copy needs \d+ MB in .*, and \d+ MB are free\. Nothing was written\./)
      assert.ok(!existsSync(join(other.folder, 'full.backup')))
      assert.deepEqual(copies(other.data), [])
      assert.match(await other.get('audit', '--action', 'backup.made'), /failed.*storage_full|storage_full.*failed/)
      writeFileSync(join(other.folder, 'secret'), 'x')
      await other.get('add', 'still-works', '--kind', 'api_key', '--secret-file', join(other.folder, 'secret'))
      // Where the backup goes to: a disk of its own that is full.
      rmSync(join(disk.folder, 'ballast'))
      fill(disk.folder, 5_000_000)
      const target = await service.cli(['backup', join(disk.folder, 'target.backup')])
      assert.equal(target.status, 1)
      assert.match(target.stderr, /target\.backup cannot be written: the disk is full\. Nothing was left behind/)
      assert.deepEqual(
        readdirSync(disk.folder).filter((name) => name.startsWith('target')),
        [],
      )
    } finally {
      await other.remove()
      disk.unmount()
    }
  })

  it('a disk that fills up over a restore: the store that was there stays as it was', async (t) => {
    const disk = mountSmallDisk('60m')
    if (disk === null) return t.skip('needs the right to mount')
    try {
      const data = join(disk.folder, 'data')
      mkdirSync(data, { mode: 0o700 })
      const old = Buffer.from('whatever was there before')
      writeFileSync(join(data, 'keybearer.db'), old)
      fill(disk.folder, 15_000_000)
      const refused = await service.cli(['restore', path('whole.backup'), '--replace'], { environment: { KEYBEARER_DATA: data } })
      assert.equal(refused.status, 75)
      assert.match(refused.stderr, /disk .* is full/i)
      assert.deepEqual(readFileSync(join(data, 'keybearer.db')), old)
      assert.deepEqual(readdirSync(data).sort(), ['keybearer.db', 'keybearer.lock'])
    } finally {
      disk.unmount()
    }
  })

  it('any byte that is missing, added or changed anywhere is noticed', () => {
    const refused = (bytes: Buffer, what: string) =>
      assert.throws(
        () => {
          const reading = new BackupReading()
          // In pieces, as it comes from a disk.
          for (let at = 0; at < bytes.length; at += 65_536) reading.take(bytes.subarray(at, at + 65_536))
          const found = reading.end()
          // What the first lines say beside size and checksum is no part of the database.
          assert.notDeepEqual(found, head)
          throw new TypeError('another head')
        },
        (error) => isProblem(error, 'backup_invalid') || isProblem(error, 'database_newer') || error instanceof TypeError,
        what,
      )
    const headSize = whole.length - head.size
    const places = [0, 10, 18, 19, 20, headSize - 2, headSize - 1, headSize, headSize + 1, whole.length >> 1, whole.length - 1]
    for (const place of places) {
      refused(whole.subarray(0, place), `cut at ${place}`)
      const changed = Buffer.from(whole)
      changed[place] = changed[place]! ^ 0x20
      refused(changed, `changed at ${place}`)
      refused(Buffer.concat([whole.subarray(0, place), Buffer.from('x'), whole.subarray(place)]), `longer at ${place}`)
    }
  })

  it('a file that is whole and holds no store of Keybearer is refused whole', async () => {
    const environment = { KEYBEARER_DATA: path('foreign/data'), KEYBEARER_CONFIG: path('foreign/config') }
    mkdirSync(environment.KEYBEARER_CONFIG, { recursive: true, mode: 0o700 })
    copyFileSync(join(service.config, 'master.key'), join(environment.KEYBEARER_CONFIG, 'master.key'))
    const dressed = (database: Buffer) =>
      Buffer.concat([writeBackupHead({ ...head, size: database.length, sha256: createHash('sha256').update(database).digest('hex') }), database])
    const foreign = path('foreign.db')
    const native = new DatabaseSync(foreign)
    native.exec("create table notes (text); insert into notes values ('mine')")
    native.close()
    const other = path('other.db')
    writeFileSync(other, whole.subarray(whole.length - head.size))
    const stranger = new DatabaseSync(other)
    stranger.exec("update master_keys set fingerprint = '0123456789abcdef'")
    stranger.close()
    const torn = Buffer.from(whole.subarray(whole.length - head.size))
    torn.fill(0, 4096, 40_960)
    for (const [database, why] of [
      [randomBytes(100_000), /file is not a database/],
      [Buffer.alloc(0), /no such table/],
      [readFileSync(foreign), /no such table/],
      [readFileSync(other), /other master keys/],
      [torn, /damaged|malformed|no such table/],
    ] as const) {
      writeFileSync(path('dressed.backup'), dressed(database))
      const result = await service.cli(['restore', path('dressed.backup')], { environment })
      assert.equal(result.status, 1, result.stderr)
      assert.match(result.stderr, /^✗ What the backup holds is no store of Keybearer: /)
      assert.match(result.stderr, why)
      assert.deepEqual(
        readdirSync(environment.KEYBEARER_DATA).filter((name) => name !== 'keybearer.lock'),
        [],
      )
    }
  })

  it('a restore killed at any step leaves the old store or the new one, whole, and can be done again', { timeout: 300_000 }, async () => {
    const small = await makeService()
    try {
      await small.start()
      writeFileSync(join(small.folder, 'secret'), 'x')
      const add = async (name: string) => await small.get('add', name, '--kind', 'api_key', '--secret-file', join(small.folder, 'secret'))
      await add('in-the-backup')
      await small.get('backup', join(small.folder, 'small.backup'))
      await add('after-the-backup')
      // Killed, so that its log lies beside the store and must not be lost.
      await small.kill9()
      const master = join(small.folder, 'master')
      cpSync(small.data, master, { recursive: true })
      const names = (data: string): string => {
        // As a start would find it.
        rmSync(join(small.folder, 'look'), { recursive: true, force: true })
        cpSync(data, join(small.folder, 'look'), { recursive: true })
        const native = new DatabaseSync(join(small.folder, 'look', 'keybearer.db'))
        try {
          assert.equal(native.prepare('pragma integrity_check').get()?.integrity_check, 'ok')
          return native
            .prepare('select name from credentials order by id')
            .all()
            .map((row) => String(row.name))
            .join()
        } finally {
          native.close()
        }
      }
      const [old, restored] = ['in-the-backup,after-the-backup', 'in-the-backup']
      assert.equal(names(master), old)
      const seen = new Set<string>()
      let steps = 0
      for (let step = 1; ; step++) {
        rmSync(small.data, { recursive: true })
        cpSync(master, small.data, { recursive: true })
        const restore = (further: Record<string, string>) =>
          runCommand(
            [
              process.execPath,
              '--disable-warning=ExperimentalWarning',
              '--import',
              join(import.meta.dirname, 'children', 'die-at-step.ts'),
              entry,
              'restore',
              join(small.folder, 'small.backup'),
              '--replace',
            ],
            { ...small.environment, KEYBEARER_TEST_DIE_IN: small.data, ...further },
          )
        const { status, stderr } = await restore({ KEYBEARER_TEST_DIE_AT: String(step), KEYBEARER_TEST_DIE_HOW: 'before' })
        const found = names(small.data)
        seen.add(found)
        assert.ok(found === old || found === restored, `${step}: ${found}`)
        if (status === 0) {
          assert.equal(found, restored)
          break
        }
        assert.equal(status, -1, stderr)
        steps += 1
        if (step % 5 === 0) {
          const again = await restore({ KEYBEARER_TEST_DIE_AT: '0', KEYBEARER_TEST_DIE_HOW: 'before' })
          assert.equal(again.status, 0, again.stderr)
          assert.equal(names(small.data), restored)
          assert.ok(!existsSync(join(small.data, 'restore.tmp')))
        }
      }
      assert.ok(steps >= 15, String(steps))
      assert.deepEqual([...seen].sort(), [restored, old].sort())
      // What a killed restore left behind is cleared away by a start.
      mkdirSync(join(small.data, 'restore.tmp'))
      await small.start()
      assert.deepEqual(copies(small.data), [])
    } finally {
      await small.remove()
    }
  })

  it('no service starts on a folder that is being restored, and the restore goes on', async () => {
    const config = path('slow/config')
    mkdirSync(config, { recursive: true, mode: 0o700 })
    copyFileSync(join(service.config, 'master.key'), join(config, 'master.key'))
    const environment = { ...service.environment, KEYBEARER_DATA: path('slow/data'), KEYBEARER_CONFIG: config }
    const restore = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, 'restore', '-'], {
      env: environment,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let said = ''
    restore.stderr.on('data', (text) => (said += String(text)))
    const ended = new Promise<number | null>((done) => restore.once('close', done))
    restore.stdin.write(whole.subarray(0, 1_000_000))
    await until('it has begun', () => existsSync(path('slow/data/restore.tmp')))
    const start = await runCommand([process.execPath, '--disable-warning=ExperimentalWarning', '--disable-sigusr1', entry, 'serve'], {
      ...environment,
      KEYBEARER_PORT: '0',
    })
    assert.equal(start.status, 1)
    assert.match(start.stderr, /Another Keybearer runs on/)
    assert.ok(existsSync(path('slow/data/restore.tmp')), 'it is not cleared away under the restore')
    restore.stdin.end(whole.subarray(1_000_000))
    assert.equal(await ended, 0, said)
    assert.ok(existsSync(path('slow/data/keybearer.db')))
  })

  it('PostgreSQL: neither is done, and both say what does it', async (t) => {
    const url = process.env.KEYBEARER_TEST_POSTGRES
    const refused = await service.cli(['restore', path('whole.backup')], {
      environment: { KEYBEARER_DATABASE_URL: url ?? 'postgres://nobody@127.0.0.1:9/none' },
    })
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /The store is in PostgreSQL, .*\n.*pg_restore --clean/)
    if (url === undefined) return
    const { default: pg } = await import('pg')
    const name = `backup_${process.pid}`
    const admin = new pg.Client({ connectionString: url })
    await admin.connect()
    await admin.query(`create database ${name}`)
    const other = await makeService({ KEYBEARER_DATABASE_URL: Object.assign(new URL(url), { pathname: `/${name}` }).href })
    t.after(async () => {
      await other.remove()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    })
    await other.start()
    const made = await other.cli(['backup', join(other.folder, 'pg.backup')])
    assert.deepEqual([made.status, made.stdout], [1, ''])
    assert.match(made.stderr, /The store is in PostgreSQL, .*\n.*pg_dump --format=custom/)
    assert.ok(!existsSync(join(other.folder, 'pg.backup')))
  })
})
