import { randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { insertChallenge, takeChallenge } from '../storage/challenges.ts'
import type { Row } from '../storage/tables.ts'
import type { AccessContext } from './access-context.ts'
import { networkOf } from './sign-in-limit.ts'

const life = 5 * 60_000
/** So many may be open for one network: more is a flood. */
const mostOpen = 30

type Kind = 'passkey_use' | 'passkey_add' | 'oidc'
type Needed = Pick<AccessContext, 'db' | 'clock'>

/** What a challenge is for: somebody whom nobody knows yet, or a signed-in person in one of his sessions. */
export type For = { person: { id: string; sessionId: string } | null; address: string | null }

/** Keeps what somebody has to answer within five minutes. @throws Problem rate_limited */
export async function openChallenge({ db, clock }: Needed, kind: Kind, value: string, whom: For): Promise<string> {
  const now = clock.now()
  const id = randomToken(16)
  const row = {
    id,
    kind,
    value,
    person_id: whom.person?.id ?? null,
    session_id: whom.person?.sessionId ?? null,
    network: networkOf(whom.address),
    expires_at: now + life,
  }
  if (await insertChallenge(db, row, now, mostOpen)) return id
  throw new Problem('rate_limited', 'Too many sign-ins were begun from this address and not finished.', { retryAfter: life / 1000 })
}

/**
 * Takes a challenge that is still open; null when there is none.
 *
 * Invariant: it is gone before the answer is looked at, so that one challenge is answered once.
 */
export async function closeChallenge({ db, clock }: Needed, kind: Kind, id: string): Promise<Row<'challenges'> | null> {
  const taken = await takeChallenge(db, kind, id)
  return taken !== undefined && taken.expires_at > clock.now() ? taken : null
}
