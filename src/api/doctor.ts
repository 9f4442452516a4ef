import type { BackupView } from '../access/backups.ts'
import { problemCodes } from '../base/problem-codes.ts'
import { describeClockError, harmfulClockError, tolerableClockError, type ClockError } from '../credentials/provider-clocks.ts'
import type { Check, Services } from './services.ts'
import { iso } from './views.ts'

const day = 86_400_000
const pageSize = 500

/** Examines the service: what `main.ts` can see, the audit trail, and every credential that does not work. */
export async function examine(services: Pick<Services, 'facts' | 'audit' | 'credentials' | 'backups' | 'clock' | 'providerClocks'>): Promise<Check[]> {
  const checks = [...(await services.facts.checks()), ...clockChecks(services.providerClocks.list())]
  const found = await services.audit.verify()
  checks.push(
    found.ok
      ? { name: 'audit trail', outcome: 'ok', message: `${found.records} records fit together.`, nextStep: null }
      : {
          name: 'audit trail',
          outcome: 'failed',
          message: `Record ${found.firstBad}: ${found.what}.`,
          nextStep: 'Compare with a backup: somebody changed the database, or it was damaged.',
        },
  )
  if (services.audit.blocked) {
    checks.push({
      name: 'audit trail',
      outcome: 'failed',
      message: 'It cannot be written; nothing is handed out.',
      nextStep: 'Free disk space or repair the database.',
    })
  }
  checks.push(...backupChecks(await services.backups.get(), services.clock.now()))
  checks.push(...(await credentialChecks(services.credentials)))
  return checks
}

/** One provider whose clock is wrong says nothing about the others, so each is named. */
function clockChecks(known: ClockError[]): Check[] {
  const name = 'clock'
  const off = known.filter(({ ahead }) => Math.abs(ahead) > tolerableClockError)
  const agreeing = known.length - off.length
  const agree = `${agreeing} ${agreeing === 1 ? 'provider agrees' : 'providers agree'} with it`
  if (off.length === 0) {
    return [{ name, outcome: 'ok', message: agreeing === 0 ? 'No provider has told its time yet.' : `${agree}.`, nextStep: null }]
  }
  return off.map(({ host, ahead }) => {
    const isHarmful = Math.abs(ahead) > harmfulClockError
    const told = `${describeClockError(host, ahead)}${isHarmful ? ': nothing is signed for it' : ''}. ${agree}.`
    return { name, outcome: isHarmful ? 'failed' : 'warning', message: told, nextStep: problemCodes.clock_skew.nextStep }
  })
}

/** What a restored backup brought back is spoken of for so long where nobody can tell whether it was looked at. */
const spokenOf = 30 * day

function backupChecks({ supported, lastAt, isOld, restored }: BackupView, now: number): Check[] {
  const name = 'backup'
  const checks: Check[] = []
  if (!supported) checks.push({ name, outcome: 'ok', message: 'PostgreSQL is backed up by pg_dump; Keybearer does not see when.', nextStep: null })
  else {
    const age = lastAt === null ? 'None was made by "keybearer backup" yet.' : `The last one is of ${iso(lastAt)}, ${daysOf(now - lastAt)} old.`
    const nextStep = isOld ? 'Run "keybearer backup FILE" every night: docs/guide/backup.md shows how.' : null
    checks.push({ name, outcome: isOld ? 'warning' : 'ok', message: age, nextStep })
  }
  if (restored === null) return checks
  const { returned } = restored
  const said = `The backup of ${iso(restored.madeAt)} was restored on ${iso(restored.at)}.`
  if (returned === null) {
    if (now - restored.at < spokenOf) {
      const nextStep = 'Look at the lists of access keys and persons, and revoke or remove again who should not be there.'
      checks.push({ name: 'restored backup', outcome: 'warning', message: `${said} Who was revoked or removed after it is back.`, nextStep })
    }
    return checks
  }
  const keys = returned.accessKeys.map((one) => `the access key "${one.name}"`)
  const persons = returned.persons.map((one) => `the person "${one.name}"`)
  if (keys.length + persons.length > 0) {
    const message = `${said} Revoked or removed after it, and back now: ${[...keys, ...persons].join(', ')}.`
    checks.push({ name: 'restored backup', outcome: 'warning', message, nextStep: 'Revoke or remove again who should not be there.' })
  }
  return checks
}

const daysOf = (time: number): string => {
  const days = Math.max(0, Math.floor(time / day))
  return days === 1 ? '1 day' : days === 0 ? 'less than a day' : `${days} days`
}

async function credentialChecks(credentials: Services['credentials']): Promise<Check[]> {
  const checks: Check[] = []
  let cursor: string | null = null
  let working = 0
  do {
    const page: Awaited<ReturnType<typeof credentials.list>> = await credentials.list({ limit: pageSize, ...(cursor === null ? {} : { cursor }) })
    for (const view of page.items) {
      if (view.status === 'ready') {
        working++
        continue
      }
      const outcome = view.status === 'paused' || view.status === 'expiring' || view.status === 'retrying' ? 'warning' : 'failed'
      checks.push({
        name: `credential ${view.name}`,
        outcome,
        message: `${view.status.replaceAll('_', ' ')}${view.reason ? `: ${view.reason.message}` : ''}`,
        nextStep: view.nextStep?.text ?? null,
      })
    }
    cursor = page.next
  } while (cursor !== null)
  checks.unshift({ name: 'credentials', outcome: 'ok', message: `${working} ready${checks.length > 0 ? `, ${checks.length} not` : ''}.`, nextStep: null })
  return checks
}
