import { Secret } from '../base/secret.ts'
import type { WebhookView } from '../mail/webhooks.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { credentialBody } from './views-credentials.ts'
import { iso, isoOrNull, secretOf, withoutUndefined, type Reply } from './views.ts'

type Ids = 'listWebhooks' | 'createWebhook' | 'getWebhook' | 'changeWebhook' | 'deleteWebhook' | 'testWebhook' | 'renewWebhookSecret' | 'snoozeCredential'

export function webhookHandlers({ webhooks, credentials }: Pick<Services, 'webhooks' | 'credentials'>): HandlersOf<Ids> {
  return {
    async listWebhooks() {
      return { body: { items: (await webhooks.list()).map(webhookBody), next: null } }
    },
    async createWebhook({ body, actor }) {
      const { webhook, secret } = await webhooks.create({ name: body.name, url: new Secret(body.url), events: body.events }, actor)
      return {
        body: { webhook: webhookBody(webhook), secret: secret.reveal() },
        revision: webhook.revision,
        headers: { location: `/v1/webhooks/${webhook.id}` },
      }
    },
    async getWebhook({ params }) {
      const view = await webhooks.get(params.webhook)
      return { body: webhookBody(view), revision: view.revision }
    },
    async changeWebhook({ params, body, actor, ifRevision }) {
      const change = withoutUndefined({ name: body.name, url: secretOf(body.url), events: body.events, enabled: body.enabled })
      const view = await webhooks.change(params.webhook, change, actor, ifRevision)
      return { body: webhookBody(view), revision: view.revision }
    },
    async deleteWebhook({ params, actor }) {
      await webhooks.delete(params.webhook, actor)
      return {}
    },
    async testWebhook({ params, actor }) {
      const { outcome, milliseconds } = await webhooks.test(params.webhook, actor)
      const isDelivered = outcome.kind === 'delivered'
      return { body: { ok: isDelivered, status: outcome.status, message: isDelivered ? 'It has taken the message.' : outcome.message, milliseconds } }
    },
    async renewWebhookSecret({ params, actor }) {
      const { webhook, secret } = await webhooks.renewSecret(params.webhook, actor)
      return { body: { webhook: webhookBody(webhook), secret: secret.reveal() } }
    },
    async snoozeCredential({ params, body, actor }) {
      const view = await credentials.snooze(params.credential, body.until === null ? null : Date.parse(body.until), actor)
      return { body: credentialBody(view), revision: view.revision }
    },
  }
}

const webhookBody = (view: WebhookView): Reply<'getWebhook'> => ({
  id: view.id,
  name: view.name,
  origin: view.origin,
  events: view.events,
  enabled: view.enabled,
  disabled_reason: view.disabledReason,
  failing_since: isoOrNull(view.failingSince),
  failures: view.failures,
  last_success_at: isoOrNull(view.lastSuccessAt),
  last_failure_at: isoOrNull(view.lastFailureAt),
  last_error: view.lastError,
  created_at: iso(view.createdAt),
  updated_at: iso(view.updatedAt),
  revision: view.revision,
})
