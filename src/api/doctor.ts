import type { Check, Services } from './services.ts'

const pageSize = 500

/** Examines the service: what `main.ts` can see, the audit trail, and every credential that does not work. */
export async function examine(services: Pick<Services, 'facts' | 'audit' | 'credentials'>): Promise<Check[]> {
  const checks = await services.facts.checks()
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
  checks.push(...(await credentialChecks(services.credentials)))
  return checks
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
