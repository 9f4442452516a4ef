import type { Caller } from '../access/caller.ts'
import type { NewAccessKey } from '../access/types.ts'
import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import { resolveCredential } from './handle-credentials.ts'
import type { Services } from './services.ts'
import { accessKeyBody } from './views-service.ts'

type Ids = 'listAccessKeys' | 'createAccessKey' | 'getAccessKey' | 'revokeAccessKey'

export function accessKeyHandlers({ accessKeys, credentials }: Pick<Services, 'accessKeys' | 'credentials'>): HandlersOf<Ids> {
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
        networks: body.networks ?? [],
        ...(body.expires_at === undefined ? {} : { expiresAt: Date.parse(body.expires_at) }),
      }
      refuseMoreThanOwn(caller, input)
      const made = await accessKeys.create(input, actor)
      return { body: { access_key: accessKeyBody(made.view), key: made.key.reveal() }, headers: { location: `/v1/access-keys/${made.view.id}` } }
    },
    async getAccessKey({ params }) {
      return { body: accessKeyBody(await accessKeys.get(params.access_key)) }
    },
    async revokeAccessKey({ params, actor }) {
      return { body: accessKeyBody(await accessKeys.revoke(params.access_key, actor)) }
    },
  }
}

/** Nobody gives more than he has: otherwise the right to make keys would be every right. */
function refuseMoreThanOwn(caller: Caller, input: NewAccessKey): void {
  const missing: string[] = []
  for (const { credential, rights } of input.permissions) {
    for (const right of rights) {
      if (!caller.mayGive(right, credential)) missing.push(`"${right}" on ${credential === '*' ? 'all credentials' : credential}`)
    }
  }
  for (const what of input.administration ?? []) if (!caller.administers(what)) missing.push(`to administer "${what}"`)
  if (missing.length === 0) return
  throw new Problem('not_allowed', `${caller.title} cannot give what it does not have: ${missing.slice(0, 5).join(', ')}.`, {
    nextStep: "Use a key that has these rights, such as the local one of the service's own machine.",
  })
}
