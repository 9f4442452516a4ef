// node scripts/keep-data-set.ts BIN FILE: has the Keybearer of BIN (bin/keybearer.js of a checkout or a package) store one of everything,
// and keeps what it stored in FILE, for test/upgrade.test.ts. Nothing in it is of value: the secrets are made for it.
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { environmentOf, startService } from '../bench/processes.ts'
import type { DataSet } from '../test/data-sets/data-set.ts'

const [bin, file] = process.argv.slice(2)
if (bin === undefined || file === undefined) {
  console.error('node scripts/keep-data-set.ts BIN FILE')
  process.exit(2)
}
const home = mkdtempSync(join(tmpdir(), 'keybearer-data-set-'))
const further = { KEYBEARER_ALLOW_PRIVATE_NETWORKS: 'true' }
const service = await startService(bin, home, further)
const environment = environmentOf(home, service.port, further)
const secrets: string[] = []

/** Runs a command and returns what it prints. No word of it holds a space. */
const run = (command: string): string => execFileSync(process.execPath, [bin, ...command.split(' ')], { env: environment, encoding: 'utf8' })
const knows = (command: string): boolean => new RegExp(`^ {2}${command}\\b`, 'm').test(run('--help'))
const invent = (name: string): string => `kept-${name}-${randomBytes(12).toString('hex')}`

function write(name: string, text: string): string {
  const path = join(home, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Writes a file that holds a secret, and remembers the secret, or that part of it. */
function secret(name: string, text = invent(name), part = text): string {
  secrets.push(part)
  return write(name, text)
}

/** Stores one of everything that this version knows, and returns what cannot be read from the database. */
function store(): Pick<DataSet, 'accessKey' | 'message' | 'values'> {
  // Nobody listens there: what is stored is asked of nobody.
  const nobody = '--provider generic --placeholder token_endpoint=http://127.0.0.1:9/token --placeholder authorization_endpoint=http://127.0.0.1:9/authorize'
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  run(`registration add office ${nobody} --client-id office --client-secret-file ${secret('client-secret')}`)
  run(
    `registration add signer ${nobody} --client-id signer --client-auth private_key_jwt --private-key-id k1 --private-key-file ${secret('key', pem, pem.split('\n')[5])}`,
  )
  run(`add mailbox --kind basic --user anna@example.org --host 127.0.0.1 --tag mail --secret-file ${secret('password')}`)
  run(`add weather --kind api_key --host 127.0.0.1 --description Forecasts --secret-file ${secret('api-key')}`)
  run(`add asleep --kind api_key --host 127.0.0.1 --secret-file ${secret('paused')}`)
  run('pause asleep')
  run(
    `add anna --registration office --grant authorization_code --scope mail --host 127.0.0.1 --user anna@example.org --refresh-token-file ${secret('refresh-token')}`,
  )
  run('add robot --registration signer --grant client_credentials --scope read --host 127.0.0.1')
  run('sender add reports --host 127.0.0.1 --port 9 --tls none --credential mailbox --from anna@example.org --default')
  const accessKey = /kb_\w+/.exec(run('key create backup-job --credential weather --right token'))![0]
  const message = invent('message')
  run(`send --to bob@example.org --subject Report --text ${message} --no-wait`)
  const values = { weather: run('token weather').trim(), mailbox: run('token mailbox').trim() }
  if (knows('person')) run('person invite carol@example.org --role manager')
  if (knows('webhook')) run(`webhook add operators --url-file ${write('url', 'http://127.0.0.1:9/operators')}`)
  if (knows('action')) {
    const action = { kind: 'http_request', request: { credential: 'weather', url: 'http://127.0.0.1:9/forecast-of-tomorrow' } }
    run(`action create forecast --file ${write('action.json', JSON.stringify(action))}`)
  }
  return { accessKey, message, values }
}

/** Reads all rows of the database, in the order in which its tables were made. */
function readTables(): Pick<DataSet, 'tables' | 'version'> {
  const database = new DatabaseSync(join(home, 'data', 'keybearer.db'), { readOnly: true })
  const tables: DataSet['tables'] = {}
  for (const { name } of database.prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by rowid`).all()) {
    const rows = database.prepare(`select * from "${String(name)}" order by rowid`).all()
    tables[String(name)] = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : (value as string | number | null),
        ]),
      ),
    )
  }
  const version = Math.max(...tables.schema_versions!.map((row) => Number(row.version)))
  delete tables.schema_versions
  return { version, tables }
}

try {
  const stored = store()
  await service.stop()
  const [masterKey, localKey] = ['master.key', 'access-key'].map((name) => readFileSync(join(home, 'config', name), 'utf8'))
  const { version, tables } = readTables()
  const set: DataSet = { version, masterKey: masterKey!, localKey: localKey!, ...stored, secrets, tables }
  writeFileSync(file, `${JSON.stringify(set, null, 1)}\n`)
} finally {
  await service.stop()
  rmSync(home, { recursive: true, force: true })
}
