import type { BackupHead } from '../base/backup-file.ts'
import { systemClock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { readSettings } from '../config.ts'
import { prepareRestored } from '../credentials/restored.ts'
import { loadMasterKeys } from '../crypto/master-key.ts'
import { restoreStore } from '../storage/restore.ts'
import { masterKeySettings } from './part-settings.ts'

/**
 * Makes the store anew from a backup, if the master key that is set here opens it.
 *
 * @throws Problem see `restoreStore`; master_key_missing or master_key_wrong with the fingerprint that is needed
 */
export async function restoreBackup(
  environment: Record<string, string | undefined>,
  chunks: AsyncIterable<Uint8Array>,
  options: { replace: boolean },
): Promise<{ head: BackupHead; kept: string | null; folder: string }> {
  const { settings } = readSettings(environment)
  const folder = settings.KEYBEARER_DATA
  if (settings.KEYBEARER_DATABASE_URL !== null) {
    throw new Problem('backup_unsupported', 'The store is in PostgreSQL, which is restored by its own tools.', {
      nextStep: 'Run: pg_restore --clean --if-exists --dbname="$(cat FILE_OF_KEYBEARER_DATABASE_URL)" keybearer.dump',
    })
  }
  const accept = ({ masterKeys }: BackupHead) => {
    if (masterKeys.length === 0) throw new Problem('backup_invalid', 'The backup names no master key.')
    const { keyring } = loadMasterKeys(masterKeySettings(settings, environment.CREDENTIALS_DIRECTORY), masterKeys)
    const missing = masterKeys.find((key) => key.dataKeys > 0 && !keyring.versions.includes(key.version))
    if (missing) {
      throw new Problem('master_key_missing', `The backup needs the master key ${missing.fingerprint} (version ${missing.version}), which is not here.`)
    }
  }
  const now = systemClock.now()
  return { ...(await restoreStore({ folder, chunks, replace: options.replace, now, accept, prepare: prepareRestored(now) })), folder }
}
