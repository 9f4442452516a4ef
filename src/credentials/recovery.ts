import { abandonedConsents, exchangingConsents, moveConsent } from '../storage/consents.ts'
import { readCredential, updateCredential } from '../storage/credentials.ts'
import { deleteAttempt, interruptedAttempts } from '../storage/refresh-attempts.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import type { Reason } from './credential-status.ts'
import type { Renewer } from './refresh.ts'

const minute = 60_000

const interrupted: Reason = {
  code: 'interrupted',
  message: 'Keybearer was interrupted while it waited for the provider, and a code can be used only once.',
  nextStep: { action: 'connect', text: 'Start the consent again.' },
}

/**
 * Takes up what a process left behind when it died: answers that were kept but not settled, requests without an answer.
 * What cannot be taken up, such as a damaged answer, keeps nothing else from it.
 */
export async function recoverInterrupted(context: CredentialContext, renewer: Renewer, isUnderWay: (credentialId: string) => boolean): Promise<void> {
  const { db, clock, log } = context
  for (const attempt of await interruptedAttempts(db, clock.now(), 1000)) {
    try {
      const row = await readCredential(db, attempt.credential_id)
      if (!row || isUnderWay(row.id)) continue
      if (attempt.grant_type === 'authorization_code' || attempt.grant_type === 'device_code') await recoverConsent(context, renewer, row.id, attempt.state)
      else if (row.refresh_due_at === null || row.refresh_due_at > clock.now()) await updateCredential(db, row.id, { refresh_due_at: clock.now() })
    } catch (error) {
      log.error('attempt.not_recovered', { credential: attempt.credential_id, error })
    }
  }
  for (const consent of await abandonedConsents(db, clock.now() - minute)) await endConsent(context, consent.id)
}

/** A code counts once: an answer that was kept is settled, a request without one ends the consent. */
async function recoverConsent(context: CredentialContext, renewer: Renewer, credentialId: string, state: string): Promise<void> {
  const { db, clock } = context
  const consents = await exchangingConsents(db, credentialId)
  if (state === 'answered') return await renewer.settleKept(credentialId, consents[0]?.id)
  await inTransaction(db, async (trx) => {
    for (const consent of consents) {
      if (consent.mode === 'device' && consent.expires_at > clock.now()) {
        await moveConsent(trx, consent.id, 'exchanging', { status: 'waiting', next_poll_at: clock.now() })
      } else await moveConsent(trx, consent.id, 'exchanging', endedBy(interrupted, clock.now()))
    }
    await deleteAttempt(trx, credentialId)
  })
}

async function endConsent({ db, clock }: CredentialContext, id: string): Promise<void> {
  await moveConsent(db, id, 'exchanging', endedBy(interrupted, clock.now()))
}

/** Columns of a consent that failed. */
export const endedBy = (reason: Reason, now: number) => ({ status: 'failed', secret: null, finished_at: now, problem: JSON.stringify(reason) })
