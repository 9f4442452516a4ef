import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { settingText } from './connection.ts'
import type { RawRequest } from './sendmail-hand-in.ts'
import { SendmailError } from './sysexits.ts'

const fs = process.getBuiltinModule('node:fs')

/** A message that waits for the service. Its key makes the service take it once, however often it is handed in. */
export type Spooled = {
  keybearer_spool: 1
  idempotency_key: string
  taken_at: string
  request: RawRequest
  /** Why the service would not have it. */
  refused?: { code: string; message: string; at: string }
}

const whole = /^[0-9a-z-]+\.(?:mail|refused)$/
const unfinished = '.new-'
/** No call writes one file for so long: whoever began it is gone. */
const abandonedAfter = 3_600_000

/** Returns where messages wait, one folder for each user of the machine. */
export function spoolFolder(): string {
  const state = process.env.XDG_STATE_HOME
  return (
    settingText('KEYBEARER_SENDMAIL_SPOOL') ??
    join(state === undefined || state === '' ? join(process.env.HOME || homedir(), '.local/state') : state, 'keybearer', 'spool')
  )
}

/**
 * Keeps a message until the service takes it, and returns when it is on disk.
 *
 * Invariant: a file with the name of a message is whole. It is written under another name and synced first.
 *
 * @throws SendmailError EX_TEMPFAIL, and then nothing of the message is left behind
 */
export function spool(request: RawRequest, idempotencyKey: string): void {
  const folder = spoolFolder()
  const now = systemClock.now()
  const message: Spooled = { keybearer_spool: 1, idempotency_key: idempotencyKey, taken_at: new Date(now).toISOString(), request }
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    checkFolder(folder)
    writeWhole(folder, `${now.toString(36).padStart(9, '0')}-${idempotencyKey}.mail`, message)
  } catch (error) {
    if (error instanceof SendmailError) throw error
    const { code } = error as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    throw new SendmailError(
      isFull ? `The disk is full: the message cannot be kept in ${folder}.` : `The message cannot be kept in ${folder}: ${code ?? String(error)}.`,
      'tryLater',
      isFull
        ? 'Make room, and send it again. Nothing of it was kept.'
        : 'Set KEYBEARER_SENDMAIL_SPOOL to a folder of your own, or start the service, and send it again.',
    )
  }
}

/** Whoever may write into the folder could have mail sent in another's name. @throws SendmailError EX_TEMPFAIL */
export function checkFolder(folder: string): void {
  const { uid, mode } = fs.lstatSync(folder)
  const isOwn = process.getuid === undefined || uid === process.getuid()
  if (fs.lstatSync(folder).isDirectory() && isOwn && (mode & 0o077) === 0) return
  throw new SendmailError(
    `${folder} must be a folder of yours that nobody else may enter (mode 700).`,
    'tryLater',
    isOwn ? `Run: chmod 700 ${folder}` : 'Set KEYBEARER_SENDMAIL_SPOOL to a folder of your own.',
  )
}

function writeWhole(folder: string, name: string, message: Spooled): void {
  const temporary = join(folder, `${unfinished}${process.pid}-${message.idempotency_key}`)
  const bytes = Buffer.from(JSON.stringify(message), 'utf8')
  let isNamed = false
  try {
    const file = fs.openSync(temporary, 'wx', 0o600)
    try {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(file, bytes, at)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(temporary, join(folder, name))
    isNamed = true
    syncFolder(folder)
  } catch (error) {
    remove(isNamed ? join(folder, name) : temporary)
    throw error
  }
}

function syncFolder(folder: string): void {
  const handle = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

function remove(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // Another call was faster, or there is nothing to remove.
  }
}

/** Returns the files of the messages that wait, the oldest first; with those that were refused, if told so. */
export function listSpool(folder: string, withRefused: boolean): string[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => whole.test(name) && (withRefused || name.endsWith('.mail')))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Reads a message; null when it is gone, `damaged` when it is none. */
export function readSpooled(folder: string, name: string): Spooled | 'damaged' | null {
  try {
    const message = JSON.parse(fs.readFileSync(join(folder, name), 'utf8')) as Spooled
    const { request } = message
    return message.keybearer_spool === 1 && typeof message.idempotency_key === 'string' && typeof request?.mime === 'string' && Array.isArray(request.to)
      ? message
      : 'damaged'
  } catch (error) {
    if (error instanceof SyntaxError) return 'damaged'
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Forgets a message that the service has taken. */
export const forgetSpooled = (folder: string, name: string): void => remove(join(folder, name))

/** Puts a message aside that the service would not have, with its reason, so that it holds up no other one and is not lost. */
export function setAside(folder: string, name: string, message: Spooled, reason: { code: string; message: string }): void {
  const aside = name.replace(/\.mail$/, '.refused')
  writeWhole(folder, aside, { ...message, refused: { ...reason, at: new Date(systemClock.now()).toISOString() } })
  if (aside !== name) remove(join(folder, name))
}

/** Removes what a call that was killed had begun to write: it was never said to be taken. */
export function removeAbandoned(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(unfinished)) continue
    const path = join(folder, name)
    const { mtimeMs } = fs.lstatSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity }
    if (systemClock.now() - mtimeMs > abandonedAfter) remove(path)
  }
}
