import { createHash, timingSafeEqual } from 'node:crypto'
import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import { appendEvents } from '../storage/events.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'

/** What a browser shows of itself when it begins a consent and when it comes back. */
export type ConsentBrowser = {
  address: string | null
  /** The session of the person who is signed in there. */
  sessionId: string | null
  /** Returns what its cookie of this consent holds. */
  proofOf(consentId: string): string | null
}

/** A ticket, a link and the proof of a browser are stored as their hashes: a reader of the database can use none of them. */
export const hashProof = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A browser that has no part in the consent. */
const actorOf = (browser: ConsentBrowser): Actor => ({ id: 'nobody', name: 'browser', kind: 'nobody', address: browser.address })

/** Whoever started the consent, at the browser in which it goes on. */
export const starterOf = (consent: Row<'consents'>, browser: ConsentBrowser): Actor => ({
  id: consent.started_by,
  name: consent.started_by_name,
  kind: 'nobody',
  address: browser.address,
})

/** Returns whether it is the browser whose person started the consent, where one did. */
export const isOfSession = (consent: Row<'consents'>, browser: ConsentBrowser): boolean =>
  consent.session_id === null || consent.session_id === browser.sessionId

/** Returns whether it is the browser that began the consent. */
export function isBound(consent: Row<'consents'>, browser: ConsentBrowser): boolean {
  const proof = browser.proofOf(consent.id)
  if (proof === null || consent.browser_hash === null) return false
  return isOfSession(consent, browser) && timingSafeEqual(Buffer.from(hashProof(proof)), Buffer.from(consent.browser_hash))
}

/** Records that another browser came, tells it, and returns what that browser is told. The consent goes on waiting for its own. */
export async function refuseBrowser(context: CredentialContext, consent: Row<'consents'>, name: string, browser: ConsentBrowser): Promise<Problem> {
  const detail = { consent: consent.id, mode: consent.mode, started_by: consent.started_by }
  await inTransaction(context.db, async (trx) => {
    await context.audit.append(trx, [
      {
        actor: actorOf(browser),
        action: 'consent.browser_refused',
        subject: consent.credential_id,
        subjectName: name,
        outcome: 'refused',
        reason: 'consent_wrong_browser',
        detail,
      },
    ])
    await appendEvents(trx, context.clock, [
      { type: 'consent.browser_refused', subject: consent.credential_id, data: { consent: consent.id, name, address: browser.address } },
    ])
  })
  await context.wake()
  return new Problem('consent_wrong_browser', 'This consent was begun in another browser, or by somebody else in this one.', {
    nextStep:
      consent.session_id === null
        ? 'Open the address in the browser in which the consent was begun, or start a new one.'
        : `Sign in to Keybearer at ${context.publicUrl} in this browser and start the consent there.`,
  })
}
