import type { AuditView } from '../access/audit.ts'
import type { BackupView } from '../access/backups.ts'
import type { RotationView } from '../access/master-key-rotation.ts'
import type { AccessKeyView } from '../access/types.ts'
import type { Event } from '../base/events.ts'
import { harmfulClockError, tolerableClockError, type ClockError } from '../credentials/provider-clocks.ts'
import type { PopularListed, ProviderListed, ProviderView } from '../credentials/providers.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

export function accessKeyBody(view: AccessKeyView): Reply<'getAccessKey'> {
  return {
    id: view.id,
    name: view.name,
    hint: view.hint,
    permissions: view.permissions,
    administration: view.administration,
    actions: view.actions,
    networks: view.networks,
    mail_limits: view.mailLimits && {
      messages_per_hour: view.mailLimits.messagesPerHour,
      recipients_per_message: view.mailLimits.recipientsPerMessage,
      bytes_per_message: view.mailLimits.bytesPerMessage,
    },
    expires_at: isoOrNull(view.expiresAt),
    revoked_at: isoOrNull(view.revokedAt),
    created_at: iso(view.createdAt),
    created_by: view.createdBy,
    last_used_at: isoOrNull(view.lastUsedAt),
    last_used_from: view.lastUsedFrom,
    stopped_at: isoOrNull(view.stoppedAt),
    delivery: view.delivery && {
      status: view.delivery.status,
      expires_at: iso(view.delivery.expiresAt),
      opened_at: isoOrNull(view.delivery.openedAt),
      opened_from: view.delivery.openedFrom,
      repeats: view.delivery.repeats,
    },
  }
}

export function providerSummary(one: ProviderListed): Reply<'listProviders'>['items'][number] {
  return {
    id: one.id,
    name: one.name,
    own: one.own,
    category: one.category,
    docs_url: one.docsUrl,
    grants: one.grants,
    client_auths: one.clientAuths,
    placeholders: one.placeholders,
    version: one.version,
    domains: one.domains,
    sends_mail: one.sendsMail,
    sources: one.sources,
  }
}

export function popularBody(one: PopularListed): Reply<'listPopularConfigurations'>['items'][number] {
  return { ...one, variant: one.variant ?? null, provider: one.provider, redirect_uri: one.redirect_uri ?? null }
}

export function providerBody({ description, own, revision }: ProviderView): Reply<'getProvider'> {
  return { id: description.id, name: description.name, own, revision, description }
}

export function auditBody(view: AuditView): Reply<'listAudit'>['items'][number] {
  return {
    seq: view.seq,
    at: iso(view.at),
    actor: view.actor,
    action: view.action,
    subject: view.subject,
    outcome: view.outcome,
    reason: view.reason,
    address: view.address,
    detail: view.detail,
    hash: view.hash,
  }
}

export function eventBody(event: Event): Reply<'streamEvents'> {
  return { seq: event.seq, at: iso(event.at), type: event.type, subject: event.subject, data: event.data }
}

export function rotationBody(view: RotationView): Reply<'getRotation'> {
  return {
    state: view.state,
    newest_version: view.newestVersion,
    versions: view.versions.map((one) => ({
      version: one.version,
      fingerprint: one.fingerprint,
      data_keys: one.dataKeys,
      created_at: iso(one.createdAt),
      retired_at: isoOrNull(one.retiredAt),
    })),
    rewrapped: view.rewrapped,
    remaining: view.remaining,
    started_at: isoOrNull(view.startedAt),
    finished_at: isoOrNull(view.finishedAt),
    problem: view.problem && { code: view.problem.code, detail: view.problem.detail, next_step: view.problem.nextStep },
  }
}

export function clockErrorsBody(errors: ClockError[]): Reply<'getStatus'>['clock_errors'] {
  return errors
    .filter(({ ahead }) => Math.abs(ahead) > tolerableClockError)
    .map(({ host, ahead, measuredAt }) => ({
      host,
      ahead_seconds: Math.round(ahead / 1000),
      blocks_signing: Math.abs(ahead) > harmfulClockError,
      measured_at: iso(measuredAt),
    }))
}

export function backupBody(view: BackupView): Reply<'getStatus'>['backup'] {
  const { restored } = view
  return {
    supported: view.supported,
    last_at: isoOrNull(view.lastAt),
    last_size: view.lastSize,
    is_old: view.isOld,
    restored: restored && {
      at: iso(restored.at),
      made_at: iso(restored.madeAt),
      returned: restored.returned && {
        access_keys: restored.returned.accessKeys.map(({ name }) => name),
        persons: restored.returned.persons.map(({ name }) => name),
      },
    },
  }
}
