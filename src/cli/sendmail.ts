import { systemClock } from '../base/clock.ts'
import { findConnection, type Connection } from './connection.ts'
import { handIn, type RawRequest } from './sendmail-hand-in.ts'
import { readOrder, type SendmailOrder } from './sendmail-order.ts'
import { listSpool, readSpooled, spool, spoolFolder } from './sendmail-spool.ts'
import { SendmailError, sysexitOf, sysexits } from './sysexits.ts'

/** Whoever calls waits: so much of what waits from before is handed in beside the message. */
const beside = { most: 20, milliseconds: 5_000, withRefused: false }

/**
 * Does what /usr/sbin/sendmail does, with the service in place of a mail server. It loads next to nothing: cron starts many at
 * the same second.
 *
 * Invariant: it ends with 0 only when the service has the message on disk, or the spool has.
 */
export async function runSendmail(words: string[]): Promise<void> {
  try {
    process.exitCode = await carryOut(readOrder(words))
  } catch (error) {
    const { message, nextStep } = error as SendmailError
    say(message, nextStep)
    process.exitCode = error instanceof SendmailError ? error.exit : sysexits.software
  }
}

async function carryOut(order: SendmailOrder): Promise<number> {
  switch (order.mode) {
    case 'deliver':
      return await deliver(order)
    case 'flush':
      return await flush(order)
    case 'list':
      await list()
      return sysexits.ok
    case 'nothing':
      return sysexits.ok
  }
}

async function deliver(order: SendmailOrder & { mode: 'deliver' }): Promise<number> {
  const [{ readMessage, readLocalMessage, writeLocalMessage }, { findRecipients, namedIn }] = await Promise.all([
    import('./sendmail-message.ts'),
    import('./sendmail-recipients.ts'),
  ])
  const message = readLocalMessage(readMessage(order.endsAtDot))
  const to = await findRecipients([...order.recipients, ...(order.readsHeader ? namedIn(message) : [])])
  const mime = writeLocalMessage(message, { now: systemClock.now(), from: order.from, fullName: order.fullName, login: process.env.LOGNAME ?? 'nobody' })
  const request: RawRequest = { mime: mime.toString('base64'), to, ...(order.from === null ? {} : { mail_from: order.from }) }
  const connection = connect()
  const key = process.getBuiltinModule('node:crypto').randomUUID()
  const outcome = await handIn(connection, request, key)
  switch (outcome.kind) {
    case 'taken':
      if (order.verbose) process.stdout.write(`${outcome.id} is in the outbox.\n`)
      await flushBeside(connection)
      return sysexits.ok
    case 'away':
      // The same key: the service may have taken it, and only its answer was lost.
      spool(request, key)
      if (order.verbose) process.stdout.write(`${outcome.why} The message waits in ${spoolFolder()}.\n`)
      return sysexits.ok
    case 'refused':
      if (outcome.code === 'payload_too_large') {
        throw new SendmailError(
          `The message is larger than the service takes: it has ${mime.length} bytes.`,
          'unavailable',
          'Send less, or raise KEYBEARER_MAIL_MAX_BYTES of the service.',
        )
      }
      throw new SendmailError(outcome.message, sysexitOf(outcome.code), outcome.nextStep)
  }
}

/** @throws SendmailError EX_NOPERM */
function connect(): Connection {
  try {
    return findConnection()
  } catch (error) {
    const { message, nextStep } = error as SendmailError
    throw new SendmailError(message, 'noPermission', nextStep)
  }
}

/** Hands in what waited while the service was away. The message of this call is taken: whatever goes wrong here is no failure of it. */
async function flushBeside(connection: Connection): Promise<void> {
  const folder = spoolFolder()
  try {
    if (listSpool(folder, false).length === 0) return
    const { flushSpool } = await import('./sendmail-flush.ts')
    const { refused } = await flushSpool(connection, folder, beside)
    for (const one of refused) say(`A message that waited in ${folder} (${one.name}) was refused: ${one.message}`, undefined)
  } catch (error) {
    say(`What waits in ${folder} was not handed in: ${(error as Error).message}`, (error as SendmailError).nextStep)
  }
}

async function flush(order: SendmailOrder & { mode: 'flush' }): Promise<number> {
  const folder = spoolFolder()
  const { flushSpool } = await import('./sendmail-flush.ts')
  const { handedIn, refused, left, why } = await flushSpool(connect(), folder, { most: Infinity, milliseconds: 3_600_000, withRefused: order.withRefused })
  if (order.verbose) process.stdout.write(`${handedIn} handed in, ${refused.length} refused, ${left} waiting.\n`)
  for (const one of refused) say(`${one.name}: ${one.message}`, undefined)
  if (why !== null) say(why, undefined)
  return refused.length > 0 ? sysexits.unavailable : left > 0 ? sysexits.tryLater : sysexits.ok
}

/** Prints what waits: one line per message, with why it was refused. */
async function list(): Promise<void> {
  const folder = spoolFolder()
  const names = listSpool(folder, true)
  if (names.length === 0) process.stdout.write('Nothing waits.\n')
  for (const name of names) {
    const message = readSpooled(folder, name)
    if (message === null) continue
    const text =
      message === 'damaged'
        ? 'damaged'
        : `${message.taken_at}  ${Math.floor((message.request.mime.length * 3) / 4)} bytes  to ${message.request.to.join(', ')}${message.refused ? `  refused: ${message.refused.message}` : ''}`
    process.stdout.write(`${name}  ${text}\n`)
  }
}

function say(message: string, nextStep: string | undefined): void {
  process.stderr.write(`sendmail: ${message}\n${nextStep === undefined ? '' : `  ${nextStep}\n`}`)
}
