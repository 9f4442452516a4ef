import type { Caller } from '../access/caller.ts'
import type { NewAccessKey } from '../access/types.ts'
import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import { resolveAction } from './handle-actions.ts'
import { resolveCredential } from './handle-credentials.ts'
import { deliveredPage, deliveryPage, refusedDeliveryPage } from './link-pages.ts'
import { formHeaders, pageHeaders } from './pages.ts'
import { toProblem } from './problem-reply.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Services } from './services.ts'
import { iso } from './views.ts'
import { accessKeyBody } from './views-service.ts'

type Ids = 'listAccessKeys' | 'createAccessKey' | 'getAccessKey' | 'revokeAccessKey' | 'resumeAccessKey' | 'showDelivery' | 'openDelivery'
type Needed = Pick<Services, 'accessKeys' | 'deliveries' | 'credentials' | 'actions' | 'facts'>

export function accessKeyHandlers({ accessKeys, deliveries, credentials, actions, facts }: Needed, refusals: Refusals): HandlersOf<Ids> {
  return {
    async listAccessKeys() {
      return { body: { items: (await accessKeys.list()).map(accessKeyBody), next: null } }
    },
    async createAccessKey({ body, actor, caller }) {
      const permissions: NewAccessKey['permissions'] = []
      for (const [i, permission] of body.permissions.entries()) {
        const credential =
          permission.credential === '*' ? '*' : await resolveCredential(credentials, caller, permission.credential, `permissions.${i}.credential`)
        permissions.push({ credential, rights: permission.rights })
      }
      const input: NewAccessKey = {
        name: body.name,
        permissions,
        administration: body.administration ?? [],
        actions: await Promise.all((body.actions ?? []).map((ref, i) => resolveAction(actions, caller, ref, `actions.${i}`))),
        networks: body.networks ?? [],
        ...(body.mail_limits == null
          ? {}
          : {
              mailLimits: {
                messagesPerHour: body.mail_limits.messages_per_hour ?? null,
                recipientsPerMessage: body.mail_limits.recipients_per_message ?? null,
                bytesPerMessage: body.mail_limits.bytes_per_message ?? null,
              },
            }),
        ...(body.expires_at === undefined ? {} : { expiresAt: Date.parse(body.expires_at) }),
      }
      refuseMoreThanOwn(caller, input)
      if (body.delivery_link === true) {
        const { view, link, expiresAt } = await accessKeys.createForDelivery(input, actor)
        const address = `${facts.publicUrl}/deliver/${link.reveal()}`
        const delivery = { link: address, command: `curl -fsS -X POST ${address}`, expires_at: iso(expiresAt) }
        return { body: { access_key: accessKeyBody(view), key: null, delivery }, headers: { location: `/v1/access-keys/${view.id}` } }
      }
      const made = await accessKeys.create(input, actor)
      return {
        body: { access_key: accessKeyBody(made.view), key: made.key.reveal(), delivery: null },
        headers: { location: `/v1/access-keys/${made.view.id}` },
      }
    },
    async getAccessKey({ params }) {
      return { body: accessKeyBody(await accessKeys.get(params.access_key)) }
    },
    async revokeAccessKey({ params, actor }) {
      return { body: accessKeyBody(await accessKeys.revoke(params.access_key, actor)) }
    },
    async resumeAccessKey({ params, actor }) {
      return { body: accessKeyBody(await accessKeys.resume(params.access_key, actor)) }
    },
    async showDelivery({ params, address, isHead, requestId }) {
      // A program that only looks, such as a link checker, is no second opening.
      if (isHead) return { text: '', headers: pageHeaders }
      try {
        return { text: deliveryPage(await deliveries.look(params.delivery, address)), headers: formHeaders }
      } catch (error) {
        return refusedPage(error, requestId)
      }
    },
    async openDelivery({ params, query, address, actor, requestId }) {
      try {
        const delivered = await deliveries.open(params.delivery, address)
        if (query.as === 'page') return { text: deliveredPage(delivered.name, delivered.key.reveal()), headers: pageHeaders }
        return { text: `${delivered.key.reveal()}\n`, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } }
      } catch (error) {
        const { code } = toProblem(error)
        // That a link was opened before is recorded with the key.
        if (code !== 'delivery_used') await refusals.record({ actor, action: 'access_key.delivery_refused', outcome: 'refused', reason: code })
        if (query.as !== 'page') throw error
        return refusedPage(error, requestId)
      }
    },
  }
}

function refusedPage(error: unknown, requestId: string) {
  const { code, title, message, nextStep, status } = toProblem(error)
  return { text: refusedDeliveryPage({ code, title, detail: message, nextStep, requestId }), status, headers: pageHeaders }
}

/** Nobody gives more than he has: otherwise the right to make keys would be every right. */
function refuseMoreThanOwn(caller: Caller, input: NewAccessKey): void {
  const missing: string[] = []
  for (const { credential, rights } of input.permissions) {
    for (const right of rights) {
      if (!caller.mayGive(right, credential)) missing.push(`"${right}" on ${credential === '*' ? 'all credentials' : credential}`)
    }
  }
  for (const id of input.actions ?? []) if (!caller.mayRun(id)) missing.push(`to run ${id === '*' ? 'all actions' : id}`)
  for (const what of input.administration ?? []) if (!caller.administers(what)) missing.push(`to administer "${what}"`)
  if (missing.length === 0) return
  throw new Problem('not_allowed', `${caller.title} cannot give what it does not have: ${missing.slice(0, 5).join(', ')}.`, {
    nextStep: "Use a key that has these rights, such as the local one of the service's own machine.",
  })
}
