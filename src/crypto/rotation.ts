import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Sealed } from '../base/sealed.ts'
import type { Secret } from '../base/secret.ts'
import { fingerprint, Keyring } from './keyring.ts'
import { loadMasterKeys, readKeyText, writeKeyFile, type KnownMasterKey, type MasterKeys } from './master-key.ts'
import { rewrap } from './vault.ts'

type StoredKey = { owner: string; wrapped: Sealed; masterKeyVersion: number }
export type Rewrapped = { owner: string; from: number; to: { wrapped: Sealed; masterKeyVersion: number } }

/** What a rotation needs of the database; `storage/master-key-rotation.ts` makes one. */
export type RotationStore = {
  /** Takes the only turn there is over all nodes, or says that somebody else has it. It ends by itself some time after the last `keepTurn`. */
  takeTurn(): Promise<boolean>
  keepTurn(): Promise<void>
  endTurn(): Promise<void>
  noteMasterKey(key: KnownMasterKey): Promise<void>
  /** Returns data keys that this version does not wrap, behind this owner, in the order of their owners. */
  notWrappedBy(version: number, after: string, limit: number): Promise<StoredKey[]>
  /** Replaces wrappings in one transaction, leaving out what somebody else replaced meanwhile. */
  replace(keys: Rewrapped[]): Promise<void>
  /** Notes the new master key and wraps everything by it in one transaction. */
  replaceAll(key: KnownMasterKey, renew: (stored: StoredKey) => Promise<Rewrapped>): Promise<number>
  /** Marks every older version as no longer in use. */
  retireOlderThan(version: number): Promise<void>
}

export type Rotation = {
  keyring: Keyring
  source: MasterKeys['source']
  /** Where the key file lies. */
  file: string
  store: RotationStore
  clock: Clock
  /**
   * How long a data key may still arrive that a node wrapped by the old master key before it heard of the new one:
   * a second for a single process; with several nodes longer than they take to look (`learnMasterKeys`).
   */
  grace: number
  signal?: AbortSignal
}

export type RotationResult = {
  version: number
  fingerprint: string
  rewrapped: number
  /** Owners whose data key cannot be opened: for their sake the old master keys are kept. */
  unreadable: string[]
  /** Versions that nothing needs any more and that the key file has no longer. */
  removed: number[]
  /** Versions that nothing needs any more and that whoever manages the setting may take out of it. */
  removable: number[]
}

const batch = 200
const sweeps = 10

/**
 * Replaces the master key: makes the next one, wraps every data key by it, and takes the old one away when nothing needs it.
 * The service goes on meanwhile, and what is new is wrapped by the new key at once.
 *
 * Invariant: a key is on disk before anything is wrapped by it, and leaves the disk only after nothing is wrapped by it. So
 * the process may die at any point; `finishRotation` goes on from there.
 *
 * @throws Problem rotation_running, master_key_fixed
 */
export async function rotateMasterKey(rotation: Rotation, newPassphrase?: Secret): Promise<RotationResult> {
  return await inTurn(rotation, async () => {
    const { keyring, source, store } = rotation
    switch (source) {
      case 'file': {
        for (const [version, key] of readKeyFile(rotation.file)) keyring.add(version, key)
        const made = nextFileKey(rotation)
        await store.noteMasterKey(made)
        return await wrapAll(rotation)
      }
      case 'passphrase':
        return await changePassphrase(rotation, newPassphrase)
      case 'setting':
      case 'credentials directory': {
        if ((await store.notWrappedBy(keyring.newest, '', 1)).length > 0) return await wrapAll(rotation)
        const next = keyring.newest + 1
        throw new Problem(
          'master_key_fixed',
          `The master key comes from the ${source === 'setting' ? 'setting KEYBEARER_MASTER_KEY' : 'credentials directory'}, which Keybearer cannot write.`,
          {
            nextStep: `Make a key with "openssl rand -base64 32". Give every node both lines, kbm1:${keyring.newest}:<the key of now> and kbm1:${next}:<the new key>, and restart: everything is then wrapped by the new one.`,
          },
        )
      }
    }
  })
}

/**
 * Goes on with a rotation that was interrupted, or begins the one that a newer key in a setting asks for. Returns null when
 * there is nothing to do. Belongs to every start.
 *
 * @throws Problem rotation_running when another node is at it
 */
export async function finishRotation(rotation: Rotation): Promise<RotationResult | null> {
  const { keyring, store, source } = rotation
  const left = await store.notWrappedBy(keyring.newest, '', 1)
  const leftInFile = source === 'file' && readKeyFile(rotation.file).size > 1
  if (left.length === 0 && !leftInFile) return null
  return await inTurn(rotation, () => wrapAll(rotation))
}

/**
 * Looks for master keys that another node has noted, so that what this node makes is wrapped by the newest. Each of
 * several nodes calls it every few seconds.
 *
 * @throws Problem master_key_missing when the key is not where this node looks
 */
export async function learnMasterKeys(keyring: Keyring, noted: { version: number; retired_at: number | null }[]): Promise<void> {
  const newest = noted.filter((key) => key.retired_at === null).at(-1)
  if (newest) await keyring.find(newest.version)
}

async function inTurn(rotation: Rotation, work: () => Promise<RotationResult>): Promise<RotationResult> {
  if (!(await rotation.store.takeTurn())) throw new Problem('rotation_running', 'Another rotation of the master key is running.', { retryAfter: 60 })
  try {
    return await work()
  } finally {
    await rotation.store.endTurn()
  }
}

function nextFileKey({ keyring, file }: Rotation): KnownMasterKey {
  const version = keyring.newest + 1
  const key = randomBytes(32)
  // Nothing may run between the file and the keyring: from the moment the keyring has the key, the vault wraps by it.
  writeKeyFile(file, new Map([...readKeyFile(file), [version, key]]))
  keyring.add(version, key)
  return { version, fingerprint: fingerprint(key), derivation: null }
}

async function wrapAll(rotation: Rotation): Promise<RotationResult> {
  const { keyring, store, clock, grace, signal } = rotation
  const version = keyring.newest
  let rewrapped = 0
  let unreadable: string[] = []
  for (let sweep = 1; ; sweep++) {
    const done = await sweepOnce(rotation, version)
    rewrapped += done.rewrapped
    unreadable = done.unreadable
    // The first look proves nothing: what was wrapped a moment before the new key came may not be committed yet.
    if (sweep > 1 && done.rewrapped === 0) break
    if (sweep === sweeps) {
      throw new Problem('rotation_running', 'Another node keeps wrapping by the old master key; the old key was kept.', {
        nextStep: 'Check that every node reads the same master key, then rotate again.',
      })
    }
    await store.keepTurn()
    await clock.sleep(grace, signal)
  }
  const result = { version, fingerprint: fingerprint(keyring.key(version)), rewrapped, unreadable, removed: [], removable: [] }
  if (unreadable.length > 0) return result
  await store.retireOlderThan(version)
  return { ...result, ...removeOlderThan(rotation, version) }
}

async function sweepOnce({ keyring, store, signal }: Rotation, version: number): Promise<{ rewrapped: number; unreadable: string[] }> {
  const unreadable: string[] = []
  let rewrapped = 0
  for (let after = ''; ;) {
    signal?.throwIfAborted()
    const stored = await store.notWrappedBy(version, after, batch)
    const last = stored.at(-1)
    if (!last) return { rewrapped, unreadable }
    const renewed: Rewrapped[] = []
    for (const key of stored) {
      try {
        renewed.push(await renew(keyring, key))
      } catch (error) {
        // One damaged key must not keep the others on the old master key.
        if (!(error instanceof Problem)) throw error
        unreadable.push(key.owner)
      }
    }
    await store.replace(renewed)
    await store.keepTurn()
    rewrapped += renewed.length
    after = last.owner
  }
}

const renew = async (keyring: Keyring, stored: StoredKey): Promise<Rewrapped> => ({
  owner: stored.owner,
  from: stored.masterKeyVersion,
  to: await rewrap(keyring, stored),
})

function removeOlderThan({ keyring, source, file }: Rotation, version: number): { removed: number[]; removable: number[] } {
  const older = keyring.versions.filter((known) => known < version)
  if (source === 'setting' || source === 'credentials directory') return { removed: [], removable: older }
  if (source === 'file') writeKeyFile(file, new Map([...readKeyFile(file)].filter(([known]) => known >= version)))
  for (const known of older) keyring.remove(known)
  return { removed: older, removable: [] }
}

/** A passphrase is known to nobody but its owner, so that there must be no moment in which both are needed. */
async function changePassphrase(rotation: Rotation, newPassphrase: Secret | undefined): Promise<RotationResult> {
  if (newPassphrase === undefined) {
    throw new Problem('master_key_fixed', 'The master key comes from a passphrase; a new passphrase is needed.', {
      nextStep: 'Give the new passphrase. With several nodes, stop all but one before.',
    })
  }
  const { keyring, store, file } = rotation
  const version = keyring.newest + 1
  // With nothing known, a fresh salt is made.
  const derived = loadMasterKeys({ passphrase: newPassphrase, file, dataFolder: '' }, [])
  const key = derived.keyring.key(derived.keyring.newest)
  const noted = { version, fingerprint: fingerprint(key), derivation: derived.isNew?.derivation ?? null }
  const next = new Keyring([...keyring.versions.map((known) => [known, keyring.key(known)] as [number, Uint8Array]), [version, key]])
  const rewrapped = await store.replaceAll(noted, (stored) => renew(next, stored))
  keyring.add(version, key)
  const rest = await wrapAll(rotation)
  return { ...rest, rewrapped: rewrapped + rest.rewrapped }
}

function readKeyFile(file: string): Map<number, Uint8Array> {
  if (!existsSync(file))
    throw new Problem('master_key_missing', `The key file ${file} is gone.`, { nextStep: 'Put it back from its backup, then rotate again.' })
  return readKeyText(readFileSync(file, 'utf8'), file)
}
