import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../../test/databases.ts'
import { isProblem, type Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { fingerprint } from './keyring.ts'
import { loadMasterKeys, readKeyText, writeKeyFile, type MasterKeySettings } from './master-key.ts'

const key = randomBytes(32)
const other = randomBytes(32)
const known = (version: number, bytes: Uint8Array, derivation: string | null = null) => ({ version, fingerprint: fingerprint(bytes), derivation })

function place(t: TestContext): MasterKeySettings {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'data'))
  return { file: join(folder, 'config/keybearer/master.key'), dataFolder: join(folder, 'data') }
}

function problemOf(work: () => unknown): Problem {
  try {
    work()
  } catch (error) {
    assert.ok(isProblem(error), String(error))
    return error
  }
  return assert.fail('nothing was refused')
}

test('makes a key file at the first start, and uses it at the second', (t) => {
  const settings = place(t)
  const first = loadMasterKeys(settings, [])
  assert.equal(first.source, 'file')
  assert.equal(first.madeFile, settings.file)
  assert.deepEqual(first.isNew, known(1, first.keyring.key(1)))
  const second = loadMasterKeys(settings, [first.isNew])
  assert.deepEqual([second.madeFile, second.isNew], [null, null])
  assert.deepEqual(Buffer.from(second.keyring.key(1)), Buffer.from(first.keyring.key(1)))
})

test('K11: the key file is made readable by its owner only, whatever the umask', (t) => {
  const settings = place(t)
  const before = process.umask(0)
  t.after(() => process.umask(before))
  loadMasterKeys(settings, [])
  assert.equal(statSync(settings.file).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(settings.file)).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(dirname(settings.file)), ['master.key'])
})

test('K11: a key file that others can read stops the start and says what to run', (t) => {
  const settings = place(t)
  loadMasterKeys(settings, [])
  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o601]) {
    chmodSync(settings.file, mode)
    const problem = problemOf(() => loadMasterKeys(settings, []))
    assert.equal(problem.code, 'master_key_invalid')
    assert.equal(problem.nextStep, `Run: chmod 600 ${settings.file}`)
  }
  chmodSync(settings.file, 0o400)
  loadMasterKeys(settings, [])
})

test('K7: a key file in the data folder is refused, and none is made there', (t) => {
  const settings = place(t)
  for (const file of [
    join(settings.dataFolder, 'master.key'),
    join(settings.dataFolder, 'deep/er/master.key'),
    join(settings.dataFolder, '../data/master.key'),
  ]) {
    assert.equal(problemOf(() => loadMasterKeys({ ...settings, file }, [])).code, 'master_key_invalid')
  }
  assert.deepEqual(readdirSync(settings.dataFolder), [])
})

test('K6: without its key file an existing database gets no new key, and the message names the one it needs', (t) => {
  const settings = place(t)
  const problem = problemOf(() => loadMasterKeys(settings, [known(1, key)]))
  assert.equal(problem.code, 'master_key_missing')
  assert.match(problem.message, new RegExp(fingerprint(key)))
  assert.ok(!existsSync(dirname(settings.file)))
})

test('K6: another key is refused from every source, and the message names the one that is needed', (t) => {
  const settings = place(t)
  const credentialsDirectory = temporaryFolder(t)
  writeFileSync(join(credentialsDirectory, 'keybearer-master-key'), other.toString('base64'))
  const file = join(temporaryFolder(t), 'master.key')
  writeKeyFile(file, new Map([[1, other]]))
  for (const wrong of [
    { ...settings, value: new Secret(other.toString('base64')) },
    { ...settings, value: new Secret(`kbm1:2:${other.toString('base64')}`) },
    { ...settings, credentialsDirectory },
    { ...settings, file },
    { ...settings, passphrase: new Secret('a long passphrase of somebody') },
  ]) {
    const problem = problemOf(() => loadMasterKeys(wrong, [known(1, key)]))
    assert.equal(problem.code, 'master_key_wrong')
    assert.match(problem.message, new RegExp(fingerprint(key)))
  }
  assert.ok(!existsSync(dirname(settings.file)))
})

const unusable = {
  empty: '',
  'only comments': '# nothing\n',
  short: randomBytes(31).toString('base64'),
  long: randomBytes(33).toString('base64'),
  'all zero': Buffer.alloc(32).toString('base64'),
  'all zero in hex': '0'.repeat(64),
  'one repeated byte': Buffer.alloc(32, 0x41).toString('base64'),
  'not base64': '!'.repeat(44),
  words: 'correct horse battery staple',
  'short hex': 'ab'.repeat(31),
  'another format': `kbm2:1:${key.toString('base64')}`,
  'version twice': `kbm1:1:${key.toString('base64')}\nkbm1:1:${other.toString('base64')}`,
}

for (const [what, text] of Object.entries(unusable)) {
  test(`K5: a master key that is ${what} is refused without being shown`, (t) => {
    const settings = place(t)
    const problem = problemOf(() => loadMasterKeys({ ...settings, value: new Secret(text) }, []))
    assert.equal(problem.code, 'master_key_invalid')
    if (text.length > 20) assert.ok(!`${problem.stack} ${problem.nextStep}`.includes(text.slice(0, 20)))
    mkdirSync(dirname(settings.file), { recursive: true })
    writeFileSync(settings.file, text, { mode: 0o600 })
    assert.equal(problemOf(() => loadMasterKeys(settings, [])).code, 'master_key_invalid')
    assert.equal(readFileSync(settings.file, 'utf8'), text, 'the file is left as it was')
  })
}

test('reads keys bare or with versions, among comments', () => {
  const [first, second] = [key.toString('base64'), other.toString('base64')]
  assert.deepEqual([...readKeyText(first, 'here')], [[1, key]])
  assert.deepEqual([...readKeyText(`${key.toString('hex')}\n`, 'here')], [[1, key]])
  assert.deepEqual(
    [...readKeyText(`# mine\r\nkbm1:2:${second}\r\n\r\nkbm1:1:${first}`, 'here')],
    [
      [2, other],
      [1, key],
    ],
  )
  assert.deepEqual(
    [...readKeyText(`kbm1:1:${first},kbm1:2:${second}`, 'here')],
    [
      [1, key],
      [2, other],
    ],
  )
})

test('the highest version given wraps, and the database learns of it', (t) => {
  const value = new Secret(`kbm1:1:${key.toString('base64')}\nkbm1:2:${other.toString('base64')}`)
  const loaded = loadMasterKeys({ ...place(t), value }, [known(1, key)])
  assert.equal(loaded.source, 'setting')
  assert.equal(loaded.keyring.newest, 2)
  assert.deepEqual(loaded.isNew, known(2, other))
})

test('a setting goes before the credentials directory, and that before the passphrase and the file', (t) => {
  const credentialsDirectory = temporaryFolder(t)
  writeFileSync(join(credentialsDirectory, 'keybearer-master-key'), key.toString('hex'))
  const settings = { ...place(t), credentialsDirectory }
  assert.equal(loadMasterKeys({ ...settings, value: new Secret(key.toString('base64')) }, []).source, 'setting')
  assert.equal(loadMasterKeys({ ...settings, passphrase: new Secret('a long passphrase of somebody') }, []).source, 'credentials directory')
  assert.equal(loadMasterKeys({ ...settings, credentialsDirectory: temporaryFolder(t) }, []).source, 'file')
  assert.equal(problemOf(() => loadMasterKeys({ ...settings, value: new Secret('x'), passphrase: new Secret('y') }, [])).code, 'master_key_invalid')
})

test('a passphrase gives the same key again, by the salt that the database keeps, and a short one is refused', (t) => {
  const settings = { ...place(t), passphrase: new Secret('five words nobody else knows') }
  const first = loadMasterKeys(settings, [])
  const derivation = JSON.parse(first.isNew!.derivation!) as { memory: number; passes: number; salt: string }
  assert.ok(derivation.memory >= 65_536 && derivation.passes >= 3 && Buffer.from(derivation.salt, 'base64').length === 16)
  const second = loadMasterKeys(settings, [first.isNew!])
  assert.deepEqual(second.keyring.key(1), first.keyring.key(1))
  assert.notDeepEqual(loadMasterKeys(settings, []).keyring.key(1), first.keyring.key(1), 'another database has another salt')
  const wrong = problemOf(() => loadMasterKeys({ ...settings, passphrase: new Secret('five words nobody else knew') }, [first.isNew!]))
  assert.equal(wrong.code, 'master_key_wrong')
  assert.equal(problemOf(() => loadMasterKeys({ ...settings, passphrase: new Secret('short') }, [])).code, 'master_key_invalid')
})

test('a fingerprint tells keys apart and is not the key', () => {
  assert.match(fingerprint(key), /^[0-9a-f]{16}$/)
  assert.notEqual(fingerprint(key), fingerprint(other))
  assert.ok(!key.toString('hex').includes(fingerprint(key)))
})
