import type { Caller } from '../access/caller.ts'
import type { Definition, NewAction, WholeAction } from '../actions/action-types.ts'
import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import { mayManage } from './guard.ts'
import { resolveCredential } from './handle-credentials.ts'
import type { Services } from './services.ts'
import { withoutUndefined } from './views.ts'
import { actionBody, previewBody, resultBody, runBody, toDefinition, wholeActionBody, type Triggers } from './views-actions.ts'

type Ids = 'listActions' | 'createAction' | 'getAction' | 'changeAction' | 'deleteAction' | 'runAction' | 'previewAction' | 'listActionRuns' | 'getActionRun'
type Parts = Pick<Services, 'actions' | 'actionRuns' | 'schedules' | 'actionHooks' | 'credentials' | 'senders' | 'facts'>

export function actionHandlers({ actions, actionRuns, schedules, actionHooks, credentials, senders, facts }: Parts): HandlersOf<Ids> {
  const resolve = (caller: Caller, definition: Definition) => resolveDefinition({ actions, credentials, senders }, caller, definition)
  const triggersOf = async (caller: Caller, ids: string[]): Promise<(id: string) => Triggers> => {
    const [byTime, byCall] = [await schedules.of(ids), await actionHooks.of(ids)]
    return (id) => ({ schedule: byTime.get(id), hook: byCall.get(id), manages: mayManage(caller), publicUrl: facts.publicUrl })
  }
  const whole = async (caller: Caller, view: WholeAction) => {
    const triggers = (await triggersOf(caller, [view.id]))(view.id)
    return mayManage(caller) ? wholeActionBody(view, triggers) : actionBody(view, triggers)
  }
  return {
    async listActions({ query: { cursor, limit }, caller }) {
      const ids = mayManage(caller) ? undefined : caller.runnable()
      const page = await actions.list(withoutUndefined({ ids, cursor, limit }))
      const triggers = await triggersOf(
        caller,
        page.items.map((item) => item.id),
      )
      return { body: { items: page.items.map((item) => actionBody(item, triggers(item.id))), next: page.next } }
    },
    async createAction({ body, actor, caller }) {
      const input: NewAction = {
        name: body.name,
        kind: body.kind,
        description: body.description ?? '',
        paused: body.paused ?? false,
        definition: await resolve(caller, toDefinition(body, null)),
      }
      const view = await actions.create(input, actor)
      return { body: await whole(caller, view), revision: view.revision, headers: { location: `/v1/actions/${view.id}` } }
    },
    async getAction({ params, caller }) {
      const view = await seenAction(actions, caller, params.action)
      return { body: await whole(caller, view), revision: view.revision }
    },
    async changeAction({ params, body, actor, caller, ifRevision }) {
      const before = await actions.get(params.action)
      const isRedefined = [body.email, body.request, body.failure, body.on_error, body.next].some((part) => part !== undefined)
      const definition = isRedefined ? await resolve(caller, toDefinition(body, before.definition)) : undefined
      const patch = withoutUndefined({ name: body.name, description: body.description, paused: body.paused, definition })
      // What was judged is what is changed: nobody else's change comes between.
      const view = await actions.change(before.id, patch, actor, ifRevision ?? before.revision)
      return { body: await whole(caller, view), revision: view.revision }
    },
    async deleteAction({ params, actor }) {
      await actions.delete(params.action, actor)
      return {}
    },
    async runAction({ params, body, actor, caller }) {
      const id = await runnable(actions, caller, params.action)
      const wait = body.wait ?? true
      const ran = await actionRuns.run(id, { input: body.input ?? {}, trigger: 'api', wait }, actor)
      const reply = { outcome: ran.outcome, run: runBody(ran.run), followed: ran.followed.map(runBody), result: resultBody(ran.result) }
      return { body: reply, ...(wait ? {} : { status: 202 }), headers: { location: `/v1/action-runs/${ran.run.id}` } }
    },
    async previewAction({ body, caller }) {
      const saved = body.action === undefined ? null : await actions.get(body.action)
      const kind = saved?.kind ?? (body.request === undefined ? 'send_email' : 'http_request')
      const given = toDefinition(body, saved?.definition ?? null)
      const isAsSaved = body.email === undefined && body.request === undefined && saved !== null
      const definition = isAsSaved ? given : await resolve(caller, given)
      const values = { name: saved?.name ?? 'preview', input: body.input ?? {}, previous: body.previous ?? null }
      return { body: previewBody(await actions.preview(kind, definition, values)) }
    },
    async listActionRuns({ query: { action, status, cursor, limit }, caller }) {
      const one = action === undefined ? undefined : [(await seenAction(actions, caller, action)).id]
      const actionIds = one ?? (mayManage(caller) ? undefined : caller.runnable())
      const page = await actionRuns.list(withoutUndefined({ actionIds, status, cursor, limit }))
      return { body: { items: page.items.map(runBody), next: page.next } }
    },
    async getActionRun({ params, caller }) {
      const { run, followed } = await actionRuns.get(params.run)
      if (!mayManage(caller) && !caller.mayRun(run.action.id)) throw new Problem('not_found', `There is no run "${params.run.slice(0, 100)}".`)
      return { body: { run: runBody(run), followed: followed.filter((one) => mayManage(caller) || caller.mayRun(one.action.id)).map(runBody) } }
    },
  }
}

/** Returns an action that the caller may know of. */
async function seenAction(actions: Services['actions'], caller: Caller, ref: string) {
  const view = await actions.get(ref)
  if (mayManage(caller) || caller.mayRun(view.id)) return view
  throw new Problem('not_found', `There is no action "${ref.slice(0, 100)}".`)
}

/** Returns the id of an action that the caller may run. To manage actions is not to run them. */
async function runnable(actions: Services['actions'], caller: Caller, ref: string): Promise<string> {
  const { id } = await seenAction(actions, caller, ref)
  if (caller.mayRun(id)) return id
  throw new Problem('not_allowed', `${caller.title} may not run the action "${ref.slice(0, 100)}".`)
}

/** Returns the id of an action that somebody names for another purpose than to see it. @throws Problem not_found, naming the field */
export async function resolveAction(actions: Services['actions'], caller: Caller, ref: string, path: string): Promise<string> {
  if (ref === '*') return ref
  try {
    return (await seenAction(actions, caller, ref)).id
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') {
      throw new Problem('not_found', `There is no action "${ref.slice(0, 100)}".`, { errors: [{ path, message: 'names no action' }] })
    }
    throw error
  }
}

/**
 * Puts ids in the place of names, and refuses what the caller may not do himself: whoever runs an action uses its credential
 * without having the right on it, so whoever makes one must have it.
 */
async function resolveDefinition(parts: Pick<Parts, 'actions' | 'credentials' | 'senders'>, caller: Caller, definition: Definition): Promise<Definition> {
  const { email, request, onError } = definition
  const follower = async (ref: string | null, path: string) => (ref === null ? null : await resolveNext(parts.actions, caller, ref, path))
  const mayMail = (credentialId: string | null, what: string) => {
    if (!caller.can('mail', credentialId ?? '*')) throw new Problem('not_allowed', `${caller.title} may not send mail through ${what}.`)
  }
  const senderId = email?.sender == null ? null : await resolveSender(parts.senders, email.sender)
  const mailCredential = email?.credential == null ? null : await resolveCredential(parts.credentials, caller, email.credential, 'email.credential')
  if (mailCredential !== null) mayMail(mailCredential, `"${email?.credential ?? ''}"`)
  if ((email !== null && mailCredential === null) || (onError.report?.to.length ?? 0) > 0) {
    const all = await parts.senders.list()
    const sender = all.find((one) => (senderId === null ? one.isDefault : one.id === senderId))
    mayMail(sender?.credential?.id ?? null, sender ? `"${sender.name}"` : 'every sender, and there is no default one')
  }
  const credential = request === null ? null : await resolveCredential(parts.credentials, caller, request.credential, 'request.credential')
  if (credential !== null && !caller.can('request', credential)) {
    throw new Problem('not_allowed', `${caller.title} lacks the right "request" for "${request!.credential.slice(0, 100)}".`)
  }
  return {
    ...definition,
    email: email && { ...email, sender: senderId, credential: mailCredential },
    request: request && { ...request, credential: credential! },
    onError: { ...onError, run: await follower(onError.run, 'on_error.run'), continueWith: await follower(onError.continueWith, 'on_error.continue_with') },
    next: await follower(definition.next, 'next'),
  }
}

async function resolveSender(senders: Services['senders'], ref: string): Promise<string> {
  try {
    return (await senders.get(ref)).id
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error
    throw new Problem('not_found', error.message, { errors: [{ path: 'email.sender', message: 'names no sender' }] })
  }
}

async function resolveNext(actions: Services['actions'], caller: Caller, ref: string, path: string): Promise<string> {
  const id = await resolveAction(actions, caller, ref, path)
  if (id === '*') throw new Problem('not_found', 'There is no action "*".', { errors: [{ path, message: 'names no action' }] })
  if (caller.mayRun(id)) return id
  throw new Problem('not_allowed', `${caller.title} may not run the action "${ref.slice(0, 100)}", and so cannot lead to it.`)
}
