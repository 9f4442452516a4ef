import type { Caller } from '../access/caller.ts'
import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import { toMatch } from './handle-credential-facts.ts'
import type { Services } from './services.ts'
import { credentialBody, testBody, toCredentialChange, toNewCredential, tokenBody, usageBody } from './views-credentials.ts'
import { isoOrNull, withoutUndefined } from './views.ts'

type Ids =
  | 'listCredentials'
  | 'createCredential'
  | 'getCredential'
  | 'changeCredential'
  | 'deleteCredential'
  | 'handOutToken'
  | 'testCredential'
  | 'examineCredential'
  | 'refreshCredential'
  | 'revokeCredential'
  | 'pauseCredential'
  | 'resumeCredential'
  | 'listCredentialUsage'

export function credentialHandlers({ credentials, clock, senders }: Pick<Services, 'credentials' | 'clock' | 'senders'>): HandlersOf<Ids> {
  return {
    async listCredentials({ query, caller }) {
      const { status, sort, cursor, limit } = query
      const page = await credentials.list({ ...toMatch(query, caller), ...withoutUndefined({ status, sort, cursor, limit }) })
      return { body: { items: page.items.map(credentialBody), next: page.next } }
    },
    async createCredential({ body, actor, caller }) {
      const view = await credentials.create(toNewCredential(body), actor, { mayWidenHosts: caller.can('token', '*') })
      return { body: credentialBody(view), revision: view.revision, headers: { location: `/v1/credentials/${view.id}` } }
    },
    async getCredential({ credentialId }) {
      const view = await credentials.get(credentialId)
      return { body: credentialBody(view), revision: view.revision }
    },
    async changeCredential({ params, body, actor, caller, ifRevision }) {
      const id = (await credentials.idOf(params.credential)) ?? params.credential
      const view = await credentials.change(id, toCredentialChange(body), actor, ifRevision, { mayWidenHosts: caller.can('token', id) })
      return { body: credentialBody(view), revision: view.revision }
    },
    async deleteCredential({ params, query, actor }) {
      const { revocation, restorableUntil } = await credentials.delete(params.credential, { revoke: query.revoke ?? true }, actor)
      return { body: { revocation, restorable_until: isoOrNull(restorableUntil) } }
    },
    async handOutToken({ credentialId, body, actor }) {
      const handed = await credentials.handOut(credentialId, {
        purpose: 'token',
        actor,
        ...(body.min_ttl_seconds === undefined ? {} : { minTtlSeconds: body.min_ttl_seconds }),
      })
      return { body: tokenBody(handed, clock.now()) }
    },
    async testCredential({ params, actor }) {
      return { body: testBody(await credentials.test(params.credential, actor)) }
    },
    async examineCredential({ params, actor }) {
      const { id, name } = await credentials.get(params.credential)
      const examined = await credentials.examine(id, await senders.hostsOf(id), actor)
      const steps = examined.isUsable ? [...examined.steps, ...(await senders.examine(id, actor))] : examined.steps
      return {
        body: {
          ok: steps.every((step) => step.outcome !== 'failed'),
          credential: { id, name },
          steps: steps.map((step) => ({ name: step.name, outcome: step.outcome, message: step.message, next_step: step.nextStep, diagnosis: step.diagnosis })),
        },
      }
    },
    async refreshCredential({ params, actor }) {
      const view = await credentials.refresh(params.credential, actor)
      return { body: credentialBody(view), revision: view.revision }
    },
    async revokeCredential({ params, actor }) {
      const { revocation, credential } = await credentials.revoke(params.credential, actor)
      return { body: { revocation, credential: credentialBody(credential) } }
    },
    async pauseCredential({ params, actor }) {
      const view = await credentials.pause(params.credential, actor)
      return { body: credentialBody(view), revision: view.revision }
    },
    async resumeCredential({ params, actor }) {
      const view = await credentials.resume(params.credential, actor)
      return { body: credentialBody(view), revision: view.revision }
    },
    async listCredentialUsage({ credentialId }) {
      const uses = await credentials.usage(credentialId)
      return { body: { items: uses.map(usageBody), next: null } }
    },
  }
}

/** Finds the credential that a body names. What the key may not know of does not exist for it. @throws Problem invalid_request */
export async function resolveCredential(credentials: Services['credentials'], caller: Caller, ref: string, path: string): Promise<string> {
  const id = await credentials.idOf(ref)
  if (id !== null && caller.knows(id)) return id
  throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`, { errors: [{ path, message: 'names no credential' }] })
}
