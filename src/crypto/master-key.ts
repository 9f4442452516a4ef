import { argon2Sync, randomBytes } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { fingerprint, Keyring } from './keyring.ts'

export type MasterKeySettings = {
  /** KEYBEARER_MASTER_KEY */
  value?: Secret | undefined
  /** KEYBEARER_MASTER_KEY_PASSPHRASE */
  passphrase?: Secret | undefined
  /** systemd's $CREDENTIALS_DIRECTORY */
  credentialsDirectory?: string | undefined
  /** Where the key file lies otherwise. */
  file: string
  /** The key must not lie in here. */
  dataFolder: string
}

/** What the database knows of its master keys. */
export type KnownMasterKey = { version: number; fingerprint: string; derivation: string | null }

export type MasterKeys = {
  keyring: Keyring
  source: 'setting' | 'credentials directory' | 'passphrase' | 'file'
  /** Set when the database has to learn of it. */
  isNew: { version: number; fingerprint: string; derivation: string | null } | null
  /** Set when a key file was made just now. */
  madeFile: string | null
}

/**
 * Finds the master key: the setting, systemd's credentials directory, a passphrase, or the key file, which is made when
 * neither it nor any data exists.
 *
 * Invariant: over existing data no key is ever made; a wrong one is refused before anything is written.
 *
 * @throws Problem master_key_missing, master_key_wrong, master_key_invalid
 */
export function loadMasterKeys(settings: MasterKeySettings, known: KnownMasterKey[]): MasterKeys {
  const found = readSource(settings, known)
  let madeFile: string | null = null
  let keys = found.keys
  if (keys === null) {
    if (known.length > 0) {
      throw new Problem(
        'master_key_missing',
        `This database was made with the master key ${known.at(-1)!.fingerprint}, and there is no key file at ${settings.file}.`,
        {
          nextStep: 'Put the key file back from its backup, or set KEYBEARER_MASTER_KEY_FILE. Without the key the stored secrets cannot be opened by anybody.',
        },
      )
    }
    keys = new Map([[1, randomBytes(32)]])
    writeKeyFile(settings.file, keys)
    madeFile = settings.file
  }
  checkAgainst(known, keys)
  const keyring = new Keyring(keys)
  const newest = keyring.newest
  const isNew = known.some((key) => key.version === newest)
    ? null
    : { version: newest, fingerprint: fingerprint(keyring.key(newest)), derivation: found.derivation }
  if (found.source === 'file') {
    keyring.onUnknown(async () => readKeyText(readFileSync(settings.file, 'utf8'), settings.file))
  }
  return { keyring, source: found.source, isNew, madeFile }
}

function readSource(
  settings: MasterKeySettings,
  known: KnownMasterKey[],
): { source: MasterKeys['source']; keys: Map<number, Uint8Array> | null; derivation: string | null } {
  if (settings.value !== undefined && settings.passphrase !== undefined) {
    throw new Problem('master_key_invalid', 'Both KEYBEARER_MASTER_KEY and KEYBEARER_MASTER_KEY_PASSPHRASE are set.', { nextStep: 'Set one of them.' })
  }
  if (settings.value !== undefined) {
    return { source: 'setting', keys: readKeyText(settings.value.reveal(), 'KEYBEARER_MASTER_KEY'), derivation: null }
  }
  const credential = settings.credentialsDirectory === undefined ? undefined : join(settings.credentialsDirectory, 'keybearer-master-key')
  if (credential !== undefined && existsSync(credential)) {
    return { source: 'credentials directory', keys: readKeyText(readFileSync(credential, 'utf8'), credential), derivation: null }
  }
  if (settings.passphrase !== undefined) return { source: 'passphrase', ...derivePassphrase(settings.passphrase, known) }
  const inside = relative(resolve(settings.dataFolder), resolve(settings.file))
  if (!inside.startsWith('..')) {
    throw new Problem('master_key_invalid', `The key file ${settings.file} lies in the data folder, where every backup of the data would contain it.`, {
      nextStep: 'Set KEYBEARER_CONFIG to a folder outside the data folder.',
    })
  }
  if (!existsSync(settings.file)) return { source: 'file', keys: null, derivation: null }
  refuseOpenFile(settings.file)
  return { source: 'file', keys: readKeyText(readFileSync(settings.file, 'utf8'), settings.file), derivation: null }
}

type Derivation = { salt: string; memory: number; passes: number; parallelism: number }

function derivePassphrase(passphrase: Secret, known: KnownMasterKey[]): { keys: Map<number, Uint8Array>; derivation: string } {
  if (passphrase.length < 12)
    throw new Problem('master_key_invalid', 'The passphrase has fewer than 12 characters.', { nextStep: 'Use at least 12, better five random words.' })
  const last = known.findLast((key) => key.derivation !== null)
  if (known.length > 0 && !last) {
    throw new Problem('master_key_wrong', `This database was made with a key, not a passphrase: its fingerprint is ${known.at(-1)!.fingerprint}.`)
  }
  const derivation: Derivation = last
    ? (JSON.parse(last.derivation!) as Derivation)
    : { salt: randomBytes(16).toString('base64'), memory: 65_536, passes: 3, parallelism: 1 }
  const key = argon2Sync('argon2id', {
    message: Buffer.from(passphrase.reveal().normalize('NFKC'), 'utf8'),
    nonce: Buffer.from(derivation.salt, 'base64'),
    parallelism: derivation.parallelism,
    tagLength: 32,
    memory: derivation.memory,
    passes: derivation.passes,
  })
  return { keys: new Map([[last?.version ?? 1, new Uint8Array(key)]]), derivation: JSON.stringify(derivation) }
}

function checkAgainst(known: KnownMasterKey[], keys: Map<number, Uint8Array>): void {
  for (const { version, fingerprint: expected } of known) {
    const key = keys.get(version)
    if (key && fingerprint(key) !== expected) {
      throw new Problem(
        'master_key_wrong',
        `The master key has the fingerprint ${fingerprint(key)}; this database needs ${expected} (version ${version}). Nothing was changed.`,
      )
    }
  }
  if (known.length > 0 && !known.some(({ version }) => keys.has(version))) {
    const expected = known.map((key) => `${key.fingerprint} (version ${key.version})`).join(', ')
    throw new Problem('master_key_wrong', `None of the master keys provided belongs to this database, which needs ${expected}. Nothing was changed.`)
  }
}

/** Reads one or more keys: lines `kbm1:<version>:<base64>`, or one bare key in base64 or hex, which is version 1. */
export function readKeyText(text: string, from: string): Map<number, Uint8Array> {
  const keys = new Map<number, Uint8Array>()
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => line.split(/\s*,\s*/))
  const invalid = (what: string) =>
    new Problem('master_key_invalid', `The master key in ${from} ${what}.`, {
      nextStep: 'A key is 32 random bytes in base64, such as "openssl rand -base64 32" prints.',
    })
  if (lines.length === 0) throw invalid('is empty')
  for (const line of lines) {
    const [, version = '1', encoded = line] = /^kbm1:(\d{1,6}):(.+)$/.exec(line) ?? []
    const key = decodeKey(encoded)
    if (key === null) throw invalid('is neither 32 bytes in base64 nor in hex')
    if (key.every((byte) => byte === key[0])) throw invalid('consists of one repeated byte')
    if (keys.has(Number(version))) throw invalid(`names version ${version} twice`)
    keys.set(Number(version), key)
  }
  return keys
}

function decodeKey(text: string): Uint8Array | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return null
  const key = Buffer.from(text, 'base64')
  return key.length === 32 ? key : null
}

/** Writes the key file whole or not at all, readable by its owner only, and waits until it is on disk. */
export function writeKeyFile(file: string, keys: Map<number, Uint8Array>): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lines = [...keys].sort(([a], [b]) => a - b).map(([version, key]) => `kbm1:${version}:${Buffer.from(key).toString('base64')}`)
  const text = [
    '# Master key of Keybearer. Whoever has it and the database has every secret: back both up, but not in the same place.',
    '# Without it nobody can open the stored secrets.',
    ...lines,
    '',
  ].join('\n')
  const temporary = `${file}.new`
  const handle = openSync(temporary, 'w', 0o600)
  try {
    chmodSync(temporary, 0o600)
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function refuseOpenFile(file: string): void {
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o077) !== 0) {
    throw new Problem('master_key_invalid', `Others can read the key file ${file} (mode ${mode.toString(8)}).`, { nextStep: `Run: chmod 600 ${file}` })
  }
}
