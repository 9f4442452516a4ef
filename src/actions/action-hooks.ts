import type { Transaction } from 'kysely'
import type { Refusals } from '../access/refusals.ts'
import { service, type Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { makeWebhookSecret } from '../mail/webhook-signature.ts'
import { claimHookCall, deleteHook, findHook, insertHook, pruneHookCalls, readHooks, runOfHookCall, type HookRow } from '../storage/action-triggers.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Named } from './action-types.ts'
import type { ActionRuns } from './action-runs.ts'
import type { Actions } from './actions.ts'
import { CallLimit } from './call-limit.ts'
import type { ActionContext } from './context.ts'
import { refusalOf, type SignedCall } from './hook-signature.ts'

const hour = 3_600_000

export type HookView = { id: string; createdAt: number }

const secretPlace = (actionId: string, hookId: string) => ({ owner: actionId, column: `action_hooks.secret ${hookId}` })

/** Addresses at which others run an action by a signed call. */
export class ActionHooks {
  readonly #context: ActionContext
  readonly #actions: Pick<Actions, 'find'>
  readonly #runs: Pick<ActionRuns, 'run'>
  readonly #refusals: Refusals
  /** So many calls from one address are looked at, whoever signed them, and so many of one hook are run. */
  readonly #byAddress: CallLimit
  readonly #byHook: CallLimit
  readonly #nobodys = makeWebhookSecret()
  #prunedAt = -Infinity

  constructor(context: ActionContext, parts: { actions: Pick<Actions, 'find'>; runs: Pick<ActionRuns, 'run'>; refusals: Refusals }) {
    this.#context = context
    this.#actions = parts.actions
    this.#runs = parts.runs
    this.#refusals = parts.refusals
    this.#byAddress = new CallLimit(context.clock, { burst: 120, perMinute: 120 })
    this.#byHook = new CallLimit(context.clock, { burst: 60, perMinute: 60 })
  }

  /** Makes the address of an action, in the place of the one that there was. The secret is in this answer only. */
  async make(ref: string, actor: Actor): Promise<{ hook: HookView; secret: Secret }> {
    const { db, clock, vault } = this.#context
    const action = await this.#actions.find(ref)
    const now = clock.now()
    const id = newId('hook', now)
    const secret = makeWebhookSecret()
    await inTransaction(db, async (trx) => {
      await deleteHook(trx, action.id)
      const sealed = await vault.seal(dataKeysOf(trx), secretPlace(action.id, id), secret.reveal())
      await insertHook(trx, { id, action_id: action.id, secret: sealed, created_at: now })
      await this.#tell(trx, actor, action, 'action.webhook_made')
    })
    await this.#context.wake()
    return { hook: { id, createdAt: now }, secret }
  }

  /** @throws Problem not_found */
  async remove(ref: string, actor: Actor): Promise<void> {
    const action = await this.#actions.find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      if (!(await deleteHook(trx, action.id))) throw new Problem('not_found', `The action "${action.name}" has no webhook.`)
      await this.#tell(trx, actor, action, 'action.webhook_removed')
    })
    await this.#context.wake()
  }

  /** Returns the hooks of actions, by the ids of the actions. */
  async of(actionIds: string[]): Promise<Map<string, HookView>> {
    return new Map((await readHooks(this.#context.db, actionIds)).map((row) => [row.action_id, { id: row.id, createdAt: row.created_at }]))
  }

  /**
   * Orders a run for a call that is signed, and returns it; for a call that came before, the run of that one.
   *
   * Invariant: a hook that does not exist and a signature that is wrong look the same, and no body is parsed that is not signed.
   *
   * @throws Problem webhook_refused, rate_limited, action_paused
   */
  async receive(
    hookId: string,
    call: SignedCall,
    from: { address: string | null; parse: (body: Buffer) => Record<string, unknown> },
  ): Promise<{ runId: string; isRepeated: boolean }> {
    const { db, clock } = this.#context
    const { address } = from
    this.#byAddress.take(address ?? 'unknown')
    const hook = await findHook(db, hookId)
    const refusal = refusalOf(call, await this.#secretOf(hook), clock.now())
    if (hook === undefined || refusal !== null) {
      const reason = hook === undefined ? 'unknown' : refusal!
      await this.#refusals.record({
        actor: { id: 'nobody', name: 'nobody', kind: 'nobody', address },
        action: 'action.webhook_refused',
        subject: hook?.action_id ?? null,
        outcome: 'refused',
        reason,
      })
      throw new Problem('webhook_refused', 'The call is not signed as this address needs it.')
    }
    const callId = call.id!
    const before = await runOfHookCall(db, hook.id, callId)
    if (before !== null) return { runId: before, isRepeated: true }
    this.#byHook.take(hook.id)
    const { name } = await this.#actions.find(hook.action_id)
    const actor: Actor = { ...service, name: `webhook of "${name}"`, address }
    try {
      const { run } = await this.#runs.run(hook.action_id, { input: from.parse(call.body), trigger: 'webhook', wait: false }, actor, async (trx, runId) => {
        const first = await claimHookCall(trx, { hook_id: hook.id, call_id: callId, run_id: runId, at: clock.now() })
        if (first !== null) throw new Problem('changed_meanwhile', first)
      })
      await this.#prune()
      return { runId: run.id, isRepeated: false }
    } catch (error) {
      // The same call came twice at a time, and the other one was first.
      if (isProblem(error, 'changed_meanwhile')) return { runId: error.message, isRepeated: true }
      throw error
    }
  }

  async #secretOf(hook: HookRow | undefined): Promise<Secret> {
    const { db, vault } = this.#context
    return hook === undefined ? this.#nobodys : await vault.open(dataKeysOf(db), secretPlace(hook.action_id, hook.id), hook.secret)
  }

  async #prune(): Promise<void> {
    const { db, clock, keepRuns } = this.#context
    if (clock.monotonic() - this.#prunedAt < hour) return
    this.#prunedAt = clock.monotonic()
    await pruneHookCalls(db, clock.now() - keepRuns)
  }

  async #tell(trx: Transaction<Tables>, actor: Actor, subject: Named, action: 'action.webhook_made' | 'action.webhook_removed'): Promise<void> {
    await this.#context.audit.append(trx, [{ actor, action, subject: subject.id, subjectName: subject.name, outcome: 'done' }])
    await appendEvents(trx, this.#context.clock, [{ type: 'action.changed', subject: subject.id, data: { name: subject.name, change: 'webhook' } }])
  }
}
