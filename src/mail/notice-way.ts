import type { CredentialStatus } from '../credentials/types.ts'
import { allWays } from './mail-options.ts'
import type { MailContext } from './context.ts'

/** How a notice goes out: through which sender, and in words why, where that is not the default one. */
export type NoticeWay = { sender: string; words: string | null }

/** Returns the first sender, of the default one and its fallbacks, whose own credential works; null when none does. */
export async function findNoticeWay({ db, credentials }: Pick<MailContext, 'db' | 'credentials'>): Promise<NoticeWay | null> {
  const broken: string[] = []
  for (const row of await allWays(db)) {
    const status = row.credential_id === null ? 'ready' : (await credentials.get(row.credential_id)).status
    if (status === 'ready' || status === 'expiring') return { sender: row.id, words: broken.length === 0 ? null : instead(row.name, broken) }
    broken.push(`"${row.name}" (its credential "${row.credential_name ?? ''}" ${words[status]})`)
  }
  return null
}

const words: Record<CredentialStatus, string> = {
  incomplete: 'is not finished',
  ready: 'works',
  expiring: 'works',
  retrying: 'cannot be renewed now',
  needs_consent: 'needs a consent',
  misconfigured: 'is misconfigured',
  paused: 'is paused',
}

const instead = (name: string, broken: string[]): string =>
  `This mail went out through "${name}", because it could not go through ${broken.join(', nor through ')}.`
