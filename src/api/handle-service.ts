import { isLoopback } from '../base/addresses.ts'
import { Problem } from '../base/problem.ts'
import { credentialStatuses } from '../credentials/types.ts'
import type { HandlersOf } from './call.ts'
import { examine } from './doctor.ts'
import { identify, mayManage } from './guard.ts'
import { openApi } from './openapi.ts'
import { homePage, pageHeaders } from './pages.ts'
import type { ReachOptions, Services } from './services.ts'
import { iso, withoutUndefined } from './views.ts'
import { backupBody, clockErrorsBody, rotationBody } from './views-service.ts'

type Ids =
  | 'getStatus'
  | 'makeBackup'
  | 'getSettings'
  | 'runDoctor'
  | 'startRotation'
  | 'getRotation'
  | 'lockService'
  | 'unlockService'
  | 'getLiveness'
  | 'getReadiness'
  | 'getMetrics'
  | 'getOpenApi'
  | 'getHome'

/** Counting credentials for the metrics costs a query, so it is done at most so often, whoever asks. */
const countInterval = 5000

export function serviceHandlers(services: Services, metricsFor: ReachOptions['metrics']): HandlersOf<Ids> {
  const { clock, credentials, audit, facts, metrics, rotation, backups } = services
  let countedAt = -Infinity
  return {
    async getStatus({ caller }) {
      const head = await facts.auditHead()
      return {
        body: {
          version: facts.version,
          uptime_seconds: Math.max(0, Math.floor((clock.now() - facts.startedAt) / 1000)),
          database: facts.database,
          credentials: (await credentials.counts(withoutUndefined({ visible: caller.visible() }))).byStatus,
          audit: { records: head.seq, head: head.hash, blocked: audit.blocked },
          master_key_version: facts.masterKeyVersion(),
          public_url: facts.publicUrl,
          now: iso(clock.now()),
          backup: mayManage(caller) ? backupBody(await backups.get()) : null,
          clock_errors: mayManage(caller) ? clockErrorsBody(services.providerClocks.list()) : null,
        },
      }
    },
    async makeBackup({ actor }) {
      return { file: await backups.make(actor) }
    },
    async getSettings() {
      return { body: { items: facts.settings(), next: null } }
    },
    async runDoctor() {
      const checks = await examine(services)
      return {
        body: {
          ok: checks.every((check) => check.outcome !== 'failed'),
          checks: checks.map((check) => ({ name: check.name, outcome: check.outcome, message: check.message, next_step: check.nextStep })),
        },
      }
    },
    async startRotation({ actor }) {
      return { body: rotationBody(await rotation.start(actor)) }
    },
    async getRotation() {
      return { body: rotationBody(await rotation.get()) }
    },
    async lockService({ actor }) {
      await services.lock.lock(actor)
      return { body: { locked: true } }
    },
    async unlockService({ actor }) {
      await audit.record({ actor, action: 'service.unlocked', outcome: 'done', detail: { was_locked: false } })
      return { body: { locked: false } }
    },
    async getLiveness() {
      return { body: { status: 'ok' } }
    },
    async getReadiness() {
      await facts.checkReady()
      return { body: { status: 'ok' } }
    },
    async getMetrics({ address, authorization, session }) {
      if (metricsFor === 'off') throw new Problem('not_found', 'The metrics are switched off.', { nextStep: 'Set KEYBEARER_METRICS to loopback or key.' })
      const isOpen = metricsFor === 'loopback' && address !== null && isLoopback(address)
      if (!isOpen) await identify(services, { authorization, session, address })
      const now = clock.monotonic()
      if (now - countedAt >= countInterval) {
        countedAt = now
        const { byStatus } = await credentials.counts()
        for (const status of credentialStatuses) metrics.set('credentials', byStatus[status], { status })
        metrics.set('last_backup_timestamp_seconds', Math.floor(((await backups.get()).lastAt ?? 0) / 1000))
        metrics.set('outbox_waiting', await services.outbox.waiting())
        metrics.set('provider_clock_error_seconds', Math.round((services.providerClocks.list()[0]?.ahead ?? 0) / 1000))
      }
      return { text: await metrics.text(), headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' } }
    },
    async getOpenApi() {
      return { body: openApi() }
    },
    async getHome() {
      return { text: homePage(facts.version), headers: pageHeaders }
    },
  }
}
