import { AccessKeys } from '../access/access-keys.ts'
import { Sessions } from '../access/sessions.ts'
import { createSealedServer } from '../api/sealed-server.ts'
import type { Actor } from '../base/actor.ts'
import { systemClock } from '../base/clock.ts'
import { EventBus } from '../base/events.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { Settings } from '../config.ts'
import { loadMasterKeys } from '../crypto/master-key.ts'
import { appendEvents } from '../storage/events.ts'
import { readMasterKeys } from '../storage/facts.ts'
import { openDatabase } from '../storage/open.ts'
import { deleteServiceLock, readServiceLock } from '../storage/service-lock.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { masterKeySettings } from './part-settings.ts'

/** How a locked service was unlocked. */
export type Unlocking = {
  passphrase: Secret | null
  /** Who did it here; null: it was unlocked on another node. */
  actor: Actor | null
  refused: number
}

export type Sealed = { listen(port: number, host: string): Promise<{ port: number; host: string }>; close(): Promise<void> }

const lookInterval = 500
/** A wrong passphrase is answered after so long, and tries come one after another: whoever guesses has a lifetime. */
const pauseAfterRefusal = 1000

type Options = {
  settings: Settings
  /** Reads the settings again, with a passphrase that was entered: files that they name may have come back. */
  readAgain: (passphrase: Secret | null) => { settings: Settings; credentialsDirectory: string | undefined }
  publicUrl: string
  log: Log
  /** Whether it is locked because the passphrase is not in the settings, and not by the row. */
  waitsForPassphrase: boolean
  onUnlock: (unlocking: Unlocking) => void
}

/**
 * Opens what a locked service consists of: a connection to the database that reads hashes only, and a server that knows how
 * to unlock. It looks at the row by which all nodes are locked, and ends when another node has removed it.
 *
 * Invariant: there is no vault and no key here. A key that is looked at to judge a try is overwritten at once.
 */
export async function openSealed(options: Options): Promise<Sealed> {
  const { settings, log, readAgain } = options
  const clock = systemClock
  const store = await openDatabase({
    folder: settings.KEYBEARER_DATA,
    url: settings.KEYBEARER_DATABASE_URL?.reveal(),
    now: clock.now(),
    onError: (error) => log.error('database.connection_lost', { error }),
  })
  const { db } = store
  const audit = { append: () => Promise.reject(new Problem('locked', 'The service is locked.')) }
  // Asked for every call: nothing is remembered of what another node may change.
  const known = { db, clock, audit, bus: new EventBus(), isFresh: () => false }
  const hour = 3_600_000
  let refused = 0
  let busy = false
  let ended = false
  const end = (unlocking: Omit<Unlocking, 'refused'>): void => {
    if (ended) return
    ended = true
    clearInterval(looking)
    options.onUnlock({ ...unlocking, refused })
  }

  const unlock = async (actor: Actor, passphrase: Secret | null): Promise<void> => {
    if (ended) return
    if (busy) throw new Problem('rate_limited', 'Somebody unlocks it at this moment.', { retryAfter: 2 })
    busy = true
    try {
      await findKeyAgain(db, readAgain, passphrase)
      await inTransaction(db, async (trx) => {
        await deleteServiceLock(trx)
        await appendEvents(trx, clock, [{ type: 'service.unlocked', subject: null, data: { by: actor.name } }])
      })
    } catch (error) {
      refused++
      log.warn('unlock.refused', { actor: actor.name, address: actor.address, error })
      await clock.sleep(pauseAfterRefusal)
      throw error
    } finally {
      busy = false
    }
    log.info('service.unlocked', { actor: actor.name })
    // After the answer.
    setImmediate(() => end({ passphrase, actor }))
  }

  const looking = setInterval(() => {
    if (options.waitsForPassphrase) return
    readServiceLock(db).then(
      (row) => void (row === null && !busy && end({ passphrase: null, actor: null })),
      (error: unknown) => log.warn('lock.not_read', { error }),
    )
  }, lookInterval)

  const server = createSealedServer(
    {
      accessKeys: new AccessKeys(known),
      sessions: new Sessions({
        ...known,
        wake: async () => undefined,
        idle: settings.KEYBEARER_SESSION_IDLE_MINUTES * 60_000,
        longest: settings.KEYBEARER_SESSION_MAX_HOURS * hour,
      }),
      clock,
      log,
      publicUrl: options.publicUrl,
      needsPassphrase: async () => isOfPassphrase(await readMasterKeys(db)),
      unlock: async (caller, passphrase) => await unlock(caller.actor, passphrase),
      refused: () => void refused++,
    },
    { allowedHosts: settings.KEYBEARER_ALLOWED_HOSTS, trustedProxies: settings.KEYBEARER_TRUSTED_PROXIES },
  )
  return {
    listen: (port, host) => server.listen(port, host),
    async close() {
      ended = true
      clearInterval(looking)
      await server.close()
      await store.close()
    },
  }
}

const isOfPassphrase = (known: { derivation: string | null }[]): boolean => known.at(-1)?.derivation != null

/** Makes sure that the master key of this database can be had. @throws Problem invalid_request, master_key_missing, master_key_wrong, master_key_invalid */
async function findKeyAgain(db: Database, readAgain: Options['readAgain'], passphrase: Secret | null): Promise<void> {
  const known = await readMasterKeys(db)
  if (isOfPassphrase(known) && passphrase === null) {
    throw new Problem('invalid_request', 'The master key is made of a passphrase, which has to be entered.', {
      errors: [{ path: 'passphrase', message: 'is needed' }],
    })
  }
  const { settings, credentialsDirectory } = readAgain(isOfPassphrase(known) ? passphrase : null)
  loadMasterKeys(masterKeySettings(settings, credentialsDirectory), known).keyring.destroy()
}
