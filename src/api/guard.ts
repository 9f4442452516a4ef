import type { Caller } from '../access/caller.ts'
import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import type { Endpoint, Permission } from './endpoint.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Services } from './services.ts'

export type Admitted = { caller: Caller | null; actor: Actor; credentialId: string }

/**
 * Decides whether a call is let in. Whatever the contract does not allow is refused, and every refusal is recorded.
 *
 * Invariant: a credential that the key has no right on looks exactly like one that does not exist.
 *
 * @throws Problem not_signed_in, not_allowed, not_found, sign_in_stale
 */
export async function admit(
  services: Pick<Services, 'accessKeys' | 'sessions' | 'credentials' | 'clock'>,
  refusals: Refusals,
  endpoint: Endpoint,
  request: Proof,
  credential: string | undefined,
): Promise<Admitted> {
  const { permission } = endpoint
  if (permission === 'public') return { caller: null, actor: nobody(request.address), credentialId: '' }

  let caller: Caller
  try {
    caller = (isBySession(request) ? null : services.accessKeys.authenticateAgain(request)) ?? (await identify(services, request))
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_signed_in') {
      await refusals.record({
        actor: nobody(request.address),
        action: isBySession(request) ? 'session.refused' : 'access_key.refused',
        outcome: 'refused',
        reason: error.message,
        detail: { endpoint: endpoint.id },
      })
    }
    throw error
  }
  const refuse = async (problem: Problem, subject: string | null = null): Promise<never> => {
    // Of what the caller may not know nothing more is read than of what does not exist.
    const subjectName = subject !== null && caller.knows(subject) ? await services.credentials.nameOf(subject) : null
    await refusals.record({
      actor: caller.actor,
      action: 'api.refused',
      subject,
      subjectName,
      outcome: 'refused',
      reason: problem.code,
      detail: { endpoint: endpoint.id },
    })
    throw problem
  }

  const credentialId = permittedAtOnce(services, caller, permission, credential) ?? (await permit(services, caller, permission, credential, refuse))
  // Asked last: nobody proves himself again only to hear that he may not.
  if (endpoint.fresh === true && caller.person !== null && (caller.person.freshUntil ?? 0) <= services.clock.now()) {
    return await refuse(new Problem('sign_in_stale', 'This needs a sign-in of the last five minutes.'))
  }
  return { caller, actor: caller.actor, credentialId }
}

/** Returns the id of a credential that is in memory and that the caller has the right on; everything else is for `permit`. */
function permittedAtOnce(
  services: Pick<Services, 'credentials'>,
  caller: Caller,
  permission: Exclude<Permission, 'public'>,
  credential: string | undefined,
): string | null {
  if (typeof permission === 'string' || !('credential' in permission) || credential === undefined) return null
  const id = services.credentials.knownId(credential)
  return id !== undefined && caller.knows(id) && caller.can(permission.credential, id) ? id : null
}

/** Returns the id of the credential that the call is about, or an empty text, and refuses what the permission does not allow. */
async function permit(
  services: Pick<Services, 'credentials'>,
  caller: Caller,
  permission: Exclude<Permission, 'public'>,
  credential: string | undefined,
  refuse: (problem: Problem, subject?: string | null) => Promise<never>,
): Promise<string> {
  if (permission === 'person') {
    if (caller.person !== null) return ''
    return await refuse(new Problem('not_allowed', 'This is about a signed-in person, and an access key is none.'))
  }
  if (permission === 'any') return ''
  if ('administration' in permission) {
    if (caller.administers(permission.administration)) return ''
    return await refuse(lacks(caller, `the administration "${permission.administration}"`))
  }
  if ('anyAction' in permission) {
    if (caller.runnable()?.length !== 0 || mayManage(caller)) return ''
    return await refuse(lacks(caller, 'the right to run any action'))
  }
  if ('anyCredential' in permission) {
    const right = permission.anyCredential
    if (caller.canAny(right) || mayManage(caller)) return ''
    return await refuse(lacks(caller, `the right "${right}" for every credential`))
  }
  if ('credential' in permission) {
    const right = permission.credential
    const ref = credential ?? ''
    // Invariant: what the caller may not know of is looked for as long as what does not exist.
    const id = await services.credentials.idOf(ref, (one) => caller.knows(one))
    if (id === null || !caller.knows(id)) return await refuse(new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`), id)
    if (caller.can(right, id) || (right === 'read' && mayManage(caller))) return id
    return await refuse(lacks(caller, `the right "${right}" for "${ref.slice(0, 100)}"`), id)
  }
  return permission satisfies never
}

/** Who manages credentials also sees their facts. Tokens are another matter. */
export const mayManage = (caller: Caller): boolean => caller.administers('manage')

const lacks = (caller: Caller, what: string) => new Problem('not_allowed', `${caller.title} lacks ${what}.`)

/** By what a caller proves who he is: an access key, or what the cookie of a session holds. */
export type Proof = {
  authorization: string | undefined
  session: string | null
  address: string | null
  /** What all requests of one connection share. */
  connection?: object
  /** What the client calls itself: its User-Agent. */
  program?: string | undefined
}

/** A key that is sent counts, whatever cookie the browser adds. */
const isBySession = ({ authorization, session }: Proof): boolean => authorization === undefined && session !== null

/**
 * Returns who calls. `quiet`: it is an open page that asks by itself, which keeps no session alive.
 *
 * @throws Problem not_signed_in
 */
export async function identify(services: Pick<Services, 'accessKeys' | 'sessions'>, proof: Proof, options: { quiet?: boolean } = {}): Promise<Caller> {
  if (isBySession(proof)) return await services.sessions.authenticate(proof.session!, proof.address, options)
  return await services.accessKeys.authenticate(proof.authorization, proof.address, proof.connection, proof.program ?? '')
}

export const nobody = (address: string | null): Actor => ({ id: 'nobody', name: 'nobody', kind: 'nobody', address })
