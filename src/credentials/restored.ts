import { service } from '../base/actor.ts'
import { isProblem } from '../base/problem.ts'
import { interruptRuns } from '../storage/action-runs.ts'
import { noteBackup, noteRestored, readRestored, revokedSince, type Restored } from '../storage/backup-facts.ts'
import { readCredential, updateCredential } from '../storage/credentials.ts'
import type { Row, Database } from '../storage/tables.ts'
import type { CredentialContext } from './context.ts'
import { nextSteps, statusColumns, type Reason } from './credential-status.ts'
import type { Renewer } from './refresh.ts'

const minute = 60_000
const working = ['ready', 'expiring', 'retrying']

/** Writes the day and minute of a backup as people read it. */
export const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'

const unproven = (madeAt: number): Reason => ({
  code: 'restored',
  message: `It comes from the backup of ${dateOf(madeAt)}. The provider may have replaced its refresh token since, which shows when it is tried.`,
  nextStep: nextSteps.retry,
})

const interrupted = (madeAt: number): string =>
  JSON.stringify({
    code: 'action_interrupted',
    message: `It had not ended at the backup of ${dateOf(madeAt)}, and may have ended since.`,
    nextStep: 'Look at the other side what became of it before you run it again.',
  })

/** Whether the token set of a credential is one that came with the backup. */
export function isFromBackup(row: Pick<Row<'credentials'>, 'token_obtained_at' | 'created_at'>, restored: Pick<Restored, 'madeAt'>): boolean {
  return (row.token_obtained_at ?? row.created_at) <= restored.madeAt
}

/**
 * Marks every credential with a refresh token as one to be tried, and takes its renewal off the plan: a provider that
 * replaces refresh tokens takes an old one for a stolen one, so that they are tried one after another.
 */
async function markRestored(db: Database, restored: { at: number; madeAt: number }): Promise<void> {
  const rows = await db.selectFrom('credentials').selectAll().where('has_refresh_token', '=', 1).where('status', 'in', working).execute()
  for (const row of rows) {
    await updateCredential(db, row.id, {
      ...statusColumns(row, { status: 'retrying', reason: unproven(restored.madeAt) }, restored.at),
      refresh_due_at: null,
      lease: null,
      lease_until: null,
    })
  }
}

/** Returns what is done to a restored store before anybody uses it. */
export const prepareRestored =
  (now: number) =>
  async (db: Database, { madeAt, size }: { madeAt: number; size: number }, before: Database | null): Promise<void> => {
    await markRestored(db, { at: now, madeAt })
    await interruptRuns(db, now, interrupted(madeAt))
    // A session that was ended since would go on.
    await db.deleteFrom('sessions').execute()
    await noteBackup(db, { at: madeAt, size })
    await noteRestored(db, { at: now, madeAt, tried: false, revoked: before && (await revokedSince(db, before)) })
  }

/** Tries every refresh token of a restored backup once, one after another. A process that dies over it goes on at its next start. */
export async function tryRestored(context: CredentialContext, renewer: Renewer, signal: AbortSignal): Promise<void> {
  const { db, clock, log } = context
  const restored = await readRestored(db)
  if (restored === null || restored.tried) return
  const rows = await db.selectFrom('credentials').select('id').where('has_refresh_token', '=', 1).where('status', '=', 'retrying').orderBy('id').execute()
  for (const { id } of rows) {
    if (signal.aborted) return
    const row = await readCredential(db, id)
    if (!row || row.paused === 1 || row.refresh_due_at !== null || !isFromBackup(row, restored)) continue
    try {
      await renewer.renew(id, { generation: row.generation, actor: service, asked: 'by_schedule' })
    } catch (error) {
      if (isProblem(error, 'not_found')) continue
      log.error('refresh.failed', { credential: id, error })
      await updateCredential(db, id, { refresh_due_at: clock.now() + minute })
    }
  }
  await noteRestored(db, { ...restored, tried: true })
}
