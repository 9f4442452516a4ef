import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import { cleanName, nameErrors } from '../credentials/names.ts'
import { hasOpenRuns, lastRunsOf, type ActionRunRow } from '../storage/action-runs.ts'
import { deleteActionRow, findAction, insertAction, listActionRows, readActionLinks, updateActionIf, type ActionRow } from '../storage/actions.ts'
import { nameKey } from '../storage/credential-derived.ts'
import { dataKeysOf, deleteDataKey } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { previewAction, type ActionPreview, type PreviewValues } from './action-preview.ts'
import type { ActionKind, ActionView, Definition, NewAction, WholeAction } from './action-types.ts'
import type { ActionContext } from './context.ts'
import { definitionErrors, inputNamesOf } from './definition-check.ts'
import { toRunView } from './run-view.ts'

export const longestChain = 10

/** Says which actions may be run by whoever asks. */
export type MayRun = (actionId: string) => boolean

type Page<Item> = { items: Item[]; next: string | null }

/** Saved, named jobs that pick a credential: what they send, and what is done on errors. */
export class Actions {
  readonly #context: ActionContext

  constructor(context: ActionContext) {
    this.#context = context
  }

  /** Returns actions by name; `ids`: only these. */
  async list(filter: { ids?: string[]; cursor?: string; limit?: number } = {}): Promise<Page<ActionView>> {
    const limit = Math.min(filter.limit ?? 100, 500)
    if (filter.ids?.length === 0) return { items: [], next: null }
    const rows = await listActionRows(this.#context.db, { after: filter.cursor, ids: filter.ids, limit: limit + 1 })
    const shown = rows.slice(0, limit)
    const last = new Map(
      (
        await lastRunsOf(
          this.#context.db,
          shown.map((row) => row.id),
        )
      ).map((run) => [run.action_id, run]),
    )
    return { items: shown.map((row) => toActionView(row, last.get(row.id))), next: rows.length > limit ? shown.at(-1)!.name_key : null }
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<WholeAction> {
    const { db } = this.#context
    const row = await this.find(ref)
    const definition = await openDefinition(this.#context, row)
    const [run] = await lastRunsOf(db, [row.id])
    const links = await readActionLinks(db)
    const names = new Map<string, string>(followersOf(definition).map((id) => [id, links.get(id)?.name ?? '(deleted)']))
    if (row.credential_id !== null) names.set(row.credential_id, row.credential_name ?? '(deleted)')
    if (row.sender_id !== null) names.set(row.sender_id, row.sender_name ?? '(deleted)')
    return { ...toActionView(row, run), definition, names }
  }

  /** @throws Problem not_found */
  async find(ref: string): Promise<ActionRow> {
    const row = await findAction(this.#context.db, ref)
    if (!row) throw new Problem('not_found', `There is no action "${ref.slice(0, 100)}".`)
    return row
  }

  /** Makes an action. Everything that it names is there and is named by its id; whether the caller may use it was judged before. */
  async create(input: NewAction, actor: Actor): Promise<WholeAction> {
    const { db, clock } = this.#context
    const now = clock.now()
    const id = newId('act', now)
    const name = cleanName(input.name)
    checkAction(input)
    await inTransaction(db, async (trx) => {
      await this.#checkLinks(trx, id, input.definition)
      await this.#unlessTaken(name, async () =>
        insertAction(trx, {
          id,
          name,
          name_key: nameKey(name),
          kind: input.kind,
          description: input.description,
          ...(await this.#columns(trx, id, input.definition)),
          paused: input.paused ? 1 : 0,
          created_at: now,
          updated_at: now,
          revision: 1,
        }),
      )
      await this.#tell(trx, actor, 'action.created', { id, name }, { kind: input.kind })
    })
    await this.#context.wake()
    return await this.get(id)
  }

  /** @throws Problem changed_meanwhile, name_taken, invalid_request */
  async change(id: string, patch: Partial<Omit<NewAction, 'kind'>>, actor: Actor, ifRevision: number): Promise<WholeAction> {
    const before = await this.find(id)
    const changed = () => new Problem('changed_meanwhile', `Somebody changed the action "${before.name}" meanwhile.`)
    if (ifRevision !== before.revision) throw changed()
    const definition = patch.definition ?? (await openDefinition(this.#context, before))
    const name = cleanName(patch.name ?? before.name)
    checkAction({ name: patch.name ?? before.name, kind: before.kind as ActionKind, definition })
    await inTransaction(this.#context.db, async (trx) => {
      if (patch.definition !== undefined) await this.#checkLinks(trx, id, definition)
      const done = await this.#unlessTaken(name, async () =>
        updateActionIf(trx, id, before.revision, {
          name,
          name_key: nameKey(name),
          ...(patch.description === undefined ? {} : { description: patch.description }),
          ...(patch.paused === undefined ? {} : { paused: patch.paused ? 1 : 0 }),
          ...(patch.definition === undefined ? {} : await this.#columns(trx, id, definition)),
          updated_at: this.#context.clock.now(),
        }),
      )
      if (!done) throw changed()
      await this.#tell(trx, actor, 'action.changed', { id, name }, { fields: Object.keys(patch) })
    })
    await this.#context.wake()
    return await this.get(id)
  }

  /** Shows what a run would send with these values; nothing is sent or kept. @throws Problem as `previewAction` */
  async preview(kind: ActionKind, definition: Definition, values: PreviewValues): Promise<ActionPreview> {
    return await previewAction(this.#context, kind, definition, values)
  }

  /** @throws Problem in_use while it runs, or while others lead to it */
  async delete(ref: string, actor: Actor): Promise<void> {
    const row = await this.find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      if (await hasOpenRuns(trx, row.id)) throw new Problem('in_use', `"${row.name}" is running.`, { nextStep: 'Wait until its runs have ended.' })
      const leading = [...(await readActionLinks(trx)).values()].filter((one) => one.leadsTo.includes(row.id)).map((one) => `"${one.name}"`)
      if (leading.length > 0) throw new Problem('in_use', `"${row.name}" is what ${leading.slice(0, 5).join(', ')} leads to.`)
      await deleteActionRow(trx, row.id)
      await deleteDataKey(trx, row.id)
      await this.#tell(trx, actor, 'action.deleted', row, {})
    })
    await this.#context.wake()
  }

  async #columns(trx: Transaction<Tables>, id: string, definition: Definition) {
    return {
      definition: await this.#context.vault.seal(dataKeysOf(trx), definitionPlace(id), JSON.stringify(definition)),
      inputs: JSON.stringify(inputNamesOf(definition)),
      credential_id: definition.request?.credential ?? definition.email?.credential ?? null,
      sender_id: definition.email?.sender ?? null,
      leads_to: JSON.stringify(followersOf(definition)),
    }
  }

  /** Refuses chains that lead back to where they began, and those that never end. */
  async #checkLinks(trx: Transaction<Tables>, id: string, { next, onError }: Definition): Promise<void> {
    const links = await readActionLinks(trx)
    const errors: FieldError[] = []
    for (const [path, target] of [
      ['next', next],
      ['on_error.run', onError.run],
      ['on_error.continue_with', onError.continueWith],
    ] as const) {
      if (target === null) continue
      const depth = depthFrom(links, target, id)
      if (target !== id && !links.has(target)) errors.push({ path, message: 'names no action' })
      else if (depth === 'back') errors.push({ path, message: 'leads back to this action' })
      else if (depth >= longestChain) errors.push({ path, message: `would make a chain of more than ${longestChain} actions` })
    }
    if (errors.length > 0) throw new Problem('invalid_request', 'The action cannot be like this.', { errors })
  }

  async #unlessTaken<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already an action "${name}".`)
      throw error
    }
  }

  async #tell(
    trx: Transaction<Tables>,
    actor: Actor,
    action: 'action.created' | 'action.changed' | 'action.deleted',
    subject: { id: string; name: string },
    detail: Record<string, string | string[]>,
  ): Promise<void> {
    await this.#context.audit.append(trx, [{ actor, action, subject: subject.id, subjectName: subject.name, outcome: 'done', detail }])
    await appendEvents(trx, this.#context.clock, [{ type: 'action.changed', subject: subject.id, data: { name: subject.name, change: action.split('.')[1] } }])
  }
}

function checkAction({ name, kind, definition }: Pick<NewAction, 'name' | 'kind' | 'definition'>): void {
  const errors = [...nameErrors(name), ...definitionErrors(kind, definition)]
  if (errors.length > 0) throw new Problem('invalid_request', 'The action cannot be like this.', { errors })
}

/** Returns how many actions come one after another from here on at most, or that they come back to where it began. */
function depthFrom(links: Map<string, { leadsTo: string[] }>, from: string, home: string, seen: ReadonlySet<string> = new Set()): number | 'back' {
  if (from === home || seen.has(from)) return 'back'
  if (seen.size >= longestChain) return longestChain
  let deepest = 0
  for (const follower of links.get(from)?.leadsTo ?? []) {
    const depth = depthFrom(links, follower, home, new Set([...seen, from]))
    if (depth === 'back') return 'back'
    deepest = Math.max(deepest, depth)
  }
  return deepest + 1
}

export const followersOf = ({ next, onError }: Definition): string[] => [...new Set([next, onError.run, onError.continueWith].filter((id) => id !== null))]

const definitionPlace = (id: string) => ({ owner: id, column: 'actions.definition' })

/** Reads what an action does. @throws Problem decrypt_failed */
export async function openDefinition({ db, vault }: Pick<ActionContext, 'db' | 'vault'>, row: Pick<ActionRow, 'id' | 'definition'>): Promise<Definition> {
  return JSON.parse((await vault.open(dataKeysOf(db), definitionPlace(row.id), row.definition)).reveal()) as Definition
}

function toActionView(row: ActionRow, lastRun: ActionRunRow | undefined): ActionView {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as ActionKind,
    description: row.description,
    inputs: JSON.parse(row.inputs) as string[],
    paused: row.paused === 1,
    credential: row.credential_id === null ? null : { id: row.credential_id, name: row.credential_name ?? '(deleted)' },
    sender: row.sender_id === null ? null : { id: row.sender_id, name: row.sender_name ?? '(deleted)' },
    lastRun: lastRun ? toRunView(lastRun) : null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  }
}
