import { createHash } from 'node:crypto'
import type { Actor } from '../base/actor.ts'
import { problemCodes, type ProblemCode } from '../base/problem-codes.ts'
import { insertConsent, replaceConsents } from '../storage/consents.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import type { Reason } from './credential-status.ts'
import { diagnosisOfReason } from './diagnosis.ts'
import { consentPlace } from './token-set.ts'
import type { ConsentMode, ConsentStatus, ConsentView } from './types.ts'

/** What a consent keeps sealed until it ends. */
export type ConsentSecret = { codeVerifier?: string; nonce?: string | null; deviceCode?: string; allowOtherAccount: boolean }

/** Writes a started consent with its secret, audit record and event. */
export async function insertStartedConsent(
  context: CredentialContext,
  row: CredentialWithRegistration,
  consent: Omit<Row<'consents'>, 'secret' | 'status' | 'problem' | 'finished_at'>,
  secret: ConsentSecret,
  actor: Actor,
): Promise<Row<'consents'>> {
  const inserted = await inTransaction(context.db, async (trx) => {
    const sealed = await context.vault.seal(dataKeysOf(trx), consentPlace(row.id, consent.id), JSON.stringify(secret))
    const full: Row<'consents'> = { ...consent, secret: sealed, status: 'waiting', problem: null, finished_at: null }
    if (consent.mode === 'device' || consent.mode === 'link') await replaceConsents(trx, row.id, consent.mode, context.clock.now())
    await insertConsent(trx, full)
    await context.audit.append(trx, [
      { actor, action: 'consent.started', subject: row.id, subjectName: row.name, outcome: 'done', detail: { consent: consent.id, mode: consent.mode } },
    ])
    await appendEvents(trx, context.clock, [{ type: 'consent.started', subject: row.id, data: { consent: consent.id, name: row.name, mode: consent.mode } }])
    return full
  })
  await context.wake()
  return inserted
}

/** A state is stored as its hash, so that a reader of the database cannot finish somebody's consent. */
export const hashState = (state: string): string => createHash('sha256').update(state).digest('hex')

/** Makes what may be seen of a consent; the authorization address is not in it. */
export function toConsentView(context: CredentialContext, consent: Row<'consents'>, row: CredentialWithRegistration): ConsentView {
  const reason = consent.problem === null ? null : (JSON.parse(consent.problem) as Reason)
  const code = reason !== null && Object.hasOwn(problemCodes, reason.code) ? (reason.code as ProblemCode) : null
  return {
    id: consent.id,
    credential: { id: consent.credential_id, name: row.name },
    mode: consent.mode as ConsentMode,
    status: consent.status as ConsentStatus,
    authorizationUrl: null,
    link: null,
    userCode: consent.user_code,
    verificationUri: consent.verification_uri,
    verificationUriComplete: null,
    startedBy: consent.started_by_name,
    createdAt: consent.created_at,
    interval: Math.ceil((consent.poll_interval ?? 2000) / 1000),
    expiresAt: consent.expires_at,
    problem:
      reason === null
        ? null
        : {
            code: reason.code,
            detail: reason.message,
            nextStep: reason.nextStep?.text ?? (code ? problemCodes[code].nextStep : 'Start the consent again.'),
            diagnosis: diagnosisOfReason(context, row, reason),
          },
  }
}
