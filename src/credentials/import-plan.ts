import { isProblem, Problem } from '../base/problem.ts'
import type { Provider } from '../providers/provider-schema.ts'
import { nameKey } from '../storage/credential-derived.ts'
import { credentialsByNameKey, type CredentialWithRegistration } from '../storage/credentials.ts'
import { registrationsByNameKey, type RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { isAllowedHost, refuseHostsBeyond, secretIsBoundTo } from './credential-check.ts'
import { newCredentialErrors } from './credential-create.ts'
import type { Draft, DraftRegistration, ReadFile } from './import-draft.ts'
import { cleanName } from './names.ts'
import { providerHosts, providerOf } from './provider-of.ts'
import type { PreparedRegistration, Registrations } from './registrations.ts'
import type { CredentialKind, Limits, NewCredential } from './types.ts'

export type OnClash = 'skip' | 'rename' | 'replace'
export type ImportAction = 'create' | OnClash | 'refused'

export type ImportItem = {
  name: string
  kind: CredentialKind | null
  provider: string | null
  action: ImportAction
  /** Its name here afterwards; null when it does not come. */
  finalName: string | null
  problem: { code: string; detail: string; nextStep: string } | null
  notes: string[]
}

/** A registration as it will be: made, or one that is here already. */
export type PlannedRegistration = { kind: 'new'; prepared: PreparedRegistration } | { kind: 'existing'; row: RegistrationRow }

/** What is written for one item. */
export type PlannedCredential = {
  item: ImportItem
  input: NewCredential
  registration: PlannedRegistration | null
  /** The credential whose place it takes. */
  replaces: CredentialWithRegistration | null
  /** Whether that one keeps its secret: only when nothing changes where it goes and whose it is. */
  keepsSecret: boolean
}

export type ImportPlan = { items: ImportItem[]; credentials: PlannedCredential[]; providers: Provider[] }

type Parts = { context: CredentialContext; registrations: Registrations; known: Provider[]; limits: Limits }

/**
 * Decides what would become of every draft, with the same checks as for what a person types; writes nothing.
 *
 * Invariant: an import never lets a secret go further than its item says: every host beyond those of the provider, and every
 * address that a file itself names for its tokens, stands in the notes.
 */
export async function planImport(parts: Parts, file: ReadFile, onClash: OnClash): Promise<ImportPlan> {
  const taken = await takenNames(parts.context, file.drafts)
  const providers = placeProviders(file.providers, parts.known)
  const registrations = await planRegistrations(parts, file.drafts, providers)
  const plan: ImportPlan = { items: [], credentials: [], providers: [] }
  const fresh = new Set<Provider>()
  for (const draft of file.drafts) {
    const planned = planDraft(parts, draft, registrations, taken, onClash)
    plan.items.push(planned.item)
    if (!('input' in planned)) continue
    plan.credentials.push(planned)
    const used = planned.registration?.kind === 'new' ? planned.registration.prepared.input.provider : null
    for (const { provider, isNew } of providers.values()) if (isNew && provider.id === used) fresh.add(provider)
  }
  plan.providers = [...fresh]
  return plan
}

type Taken = { credentials: Map<string, CredentialWithRegistration>; inFile: Set<string>; free(name: string): string }

async function takenNames(context: CredentialContext, drafts: Draft[]): Promise<Taken> {
  const names = drafts.flatMap((draft) => (draft.kind === 'credential' ? [draft.input.name] : []))
  const credentials = await findPresent(names, (keys) => credentialsByNameKey(context.db, keys))
  const inFile = new Set<string>()
  return {
    credentials,
    inFile,
    free(name) {
      for (let n = 2; n <= 21; n++) {
        const next = numbered(name, n)
        if (!credentials.has(nameKeyOf(next)) && !inFile.has(nameKeyOf(next))) return next
      }
      throw new Problem('name_taken', `There are too many credentials with names like "${name.slice(0, 100)}".`)
    },
  }
}

/** Looks up names, and for those that are taken also the names that they could get instead. */
async function findPresent<Row extends { name_key: string }>(names: string[], find: (keys: string[]) => Promise<Row[]>): Promise<Map<string, Row>> {
  const keys = names.map(nameKeyOf)
  const rows = await find([...new Set(keys)])
  const taken = new Set(rows.map((row) => row.name_key))
  const seen = new Set<string>()
  const clashing = names.filter((_, i) => {
    const clashes = taken.has(keys[i]!) || seen.has(keys[i]!)
    seen.add(keys[i]!)
    return clashes
  })
  const further = clashing.flatMap((name) => Array.from({ length: 20 }, (_, i) => nameKeyOf(numbered(name, i + 2))))
  return new Map([...rows, ...(await find([...new Set(further)]))].map((row) => [row.name_key, row]))
}

const nameKeyOf = (name: string) => nameKey(cleanName(name))
const numbered = (name: string, n: number) => `${cleanName(name).slice(0, 95)} ${n}`

type PlacedProvider = { provider: Provider; isNew: boolean }

/** Finds the id that each provider of the file gets here: its own where that is free or means the same, otherwise the next free one. */
function placeProviders(fromFile: Provider[], known: Provider[]): Map<string, PlacedProvider> {
  const here = new Map(known.map((provider) => [provider.id, provider]))
  const placed = new Map<string, PlacedProvider>()
  for (const provider of fromFile) {
    for (let n = 1; ; n++) {
      const id = n === 1 ? provider.id : `${provider.id.slice(0, 56)}-${n}`
      const same = here.get(id)
      if (same && JSON.stringify({ ...same, id: '' }) !== JSON.stringify({ ...provider, id: '' })) continue
      const settled = same ?? { ...provider, id }
      here.set(id, settled)
      placed.set(provider.id, { provider: settled, isNew: !same })
      break
    }
  }
  return placed
}

type RegistrationOutcome = { planned: PlannedRegistration; notes: string[]; basis: RegistrationRow; provider: Provider | null } | { problem: Problem }

async function planRegistrations(parts: Parts, drafts: Draft[], providers: Map<string, PlacedProvider>): Promise<Map<DraftRegistration, RegistrationOutcome>> {
  const wanted = [...new Set(drafts.flatMap((draft) => (draft.kind === 'credential' && draft.registration ? [draft.registration] : [])))]
  const here = await findPresent(
    wanted.map((one) => one.name),
    (keys) => registrationsByNameKey(parts.context.db, keys),
  )
  const outcomes = new Map<DraftRegistration, RegistrationOutcome>()
  for (const one of wanted) {
    try {
      outcomes.set(one, await planRegistration(parts, one, providers, here))
    } catch (error) {
      if (!isProblem(error)) throw error
      outcomes.set(one, { problem: error })
    }
  }
  return outcomes
}

async function planRegistration(
  { registrations, known }: Parts,
  { secretLater, ...input }: DraftRegistration,
  providers: Map<string, PlacedProvider>,
  here: Map<string, RegistrationRow>,
): Promise<RegistrationOutcome> {
  const placed = providers.get(input.provider)
  const provider = placed?.provider ?? known.find((one) => one.id === input.provider) ?? null
  const wanted = { ...input, provider: placed?.provider.id ?? input.provider }
  const notes: string[] = []
  if (placed && placed.provider.id !== input.provider) {
    notes.push(`Another provider "${input.provider}" is here: the one of the file is made under the id "${placed.provider.id}".`)
  }
  const same = here.get(nameKeyOf(wanted.name))
  if (same && isSameClient(same, wanted)) {
    notes.push(`Uses the registration "${same.name}" that is here, with its secret.`)
    return { planned: { kind: 'existing', row: same }, notes, basis: same, provider }
  }
  let name = wanted.name
  for (let n = 2; here.has(nameKeyOf(name)); n++) name = numbered(wanted.name, n)
  const prepared = await registrations.prepare(
    { ...wanted, name },
    { ...(placed?.isNew ? { provider: placed.provider } : {}), ...(secretLater === true ? { secretLater } : {}) },
  )
  const basis = pretendRow(prepared)
  here.set(nameKeyOf(name), basis)
  if (name !== wanted.name) notes.push(`Another registration "${cleanName(wanted.name)}" is here: the one of the file is made as "${name}".`)
  if (secretLater === true) notes.push(`The registration "${cleanName(name)}" has no secret yet: enter it there.`)
  return { planned: { kind: 'new', prepared }, notes, basis, provider: placed?.provider ?? provider }
}

function isSameClient(row: RegistrationRow, wanted: DraftRegistration): boolean {
  const plain = (placeholders: object) => JSON.stringify(Object.entries(placeholders).sort(([a], [b]) => (a < b ? -1 : 1)))
  return (
    row.provider === wanted.provider &&
    row.client_id === wanted.clientId.trim() &&
    plain(JSON.parse(row.placeholders) as object) === plain(wanted.placeholders ?? {})
  )
}

/** A registration that is not written yet, as far as its provider's addresses and hosts go. */
function pretendRow({ input, snapshot }: PreparedRegistration): RegistrationRow {
  return {
    id: '',
    name: input.name,
    provider: input.provider,
    provider_snapshot: snapshot,
    placeholders: JSON.stringify(input.placeholders ?? {}),
    client_id: input.clientId.trim(),
  } as RegistrationRow
}

function planDraft(
  parts: Parts,
  draft: Draft,
  registrations: Map<DraftRegistration, RegistrationOutcome>,
  taken: Taken,
  onClash: OnClash,
): PlannedCredential | { item: ImportItem } {
  if (draft.kind === 'left_out') {
    return { item: { name: draft.name, kind: null, provider: draft.provider, action: 'skip', finalName: null, problem: null, notes: draft.notes } }
  }
  if (draft.kind === 'refused') {
    const { name, provider, where, errors, nextStep } = draft
    const problem = new Problem(
      'invalid_request',
      `${where}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`,
      nextStep === undefined ? {} : { nextStep },
    )
    return { item: refusedItem(name, null, provider, problem, []) }
  }
  const outcome = draft.registration === null ? null : registrations.get(draft.registration)!
  const provider = outcome !== null && 'planned' in outcome ? outcome.basis.provider : (draft.registration?.provider ?? null)
  const { input, where } = draft
  const notes = [...draft.notes]
  try {
    if (outcome !== null && 'problem' in outcome) throw outcome.problem
    notes.push(...(outcome?.notes ?? []))
    return planCredential(parts, { ...draft, notes }, outcome, taken, onClash)
  } catch (error) {
    if (!isProblem(error)) throw error
    const details = error.errors.length === 0 ? error.message : `${error.message} ${error.errors.map((one) => `${one.path} ${one.message}`).join('; ')}.`
    return { item: refusedItem(input.name, input.kind, provider, new Problem(error.code, `${where}: ${details}`, { nextStep: error.nextStep }), notes) }
  }
}

const refusedItem = (name: string, kind: CredentialKind | null, provider: string | null, problem: Problem, notes: string[]): ImportItem => ({
  name: name.slice(0, 200),
  kind,
  provider,
  action: 'refused',
  finalName: null,
  problem: { code: problem.code, detail: problem.message, nextStep: problem.nextStep },
  notes,
})

function planCredential(
  parts: Parts,
  { input, registration: draftRegistration, notes }: Extract<Draft, { kind: 'credential' }>,
  outcome: Exclude<RegistrationOutcome, { problem: Problem }> | null,
  taken: Taken,
  onClash: OnClash,
): PlannedCredential | { item: ImportItem } {
  const wanted: NewCredential = { ...input, ...(draftRegistration === null ? {} : { registration: draftRegistration }) }
  const errors = newCredentialErrors(wanted)
  if (errors.length > 0) throw new Problem('invalid_request', 'It cannot be made like this.', { errors })
  notes.push(...reachNotes(parts, wanted, outcome))

  const key = nameKeyOf(input.name)
  const present = taken.credentials.get(key)
  const clashes = present !== undefined || taken.inFile.has(key)
  const action: ImportAction = clashes ? onClash : 'create'
  const item: ImportItem = {
    name: cleanName(input.name),
    kind: input.kind,
    provider: outcome?.basis.provider ?? null,
    action,
    finalName: cleanName(input.name),
    problem: null,
    notes,
  }
  if (action === 'skip') return { item: { ...item, notes: [present ? 'There is one of this name: it stays as it is.' : 'It came before in the file.'] } }
  if (action === 'replace' && present === undefined) throw new Problem('name_taken', 'Its name came before in the file.')
  const name = action === 'rename' ? taken.free(input.name) : cleanName(input.name)
  taken.inFile.add(nameKeyOf(name))
  const replaces = action === 'replace' ? present! : null
  const planned = outcome?.planned ?? null
  if (replaces && replaces.kind !== input.kind) {
    throw new Problem('wrong_kind', `The one that is here is of kind ${replaces.kind}, and that cannot change.`, {
      nextStep: 'Import it under another name, or delete the other one.',
    })
  }
  const keepsSecret = replaces !== null && keeps(replaces, wanted, outcome)
  if (replaces) notes.push(...replacementNotes(replaces, wanted, keepsSecret))
  return { item: { ...item, finalName: name }, input: { ...wanted, name }, registration: planned, replaces, keepsSecret }
}

/** Says where the secret may go, as far as that is not what everybody expects of the provider. */
function reachNotes({ context, limits }: Parts, input: NewCredential, outcome: Exclude<RegistrationOutcome, { problem: Problem }> | null): string[] {
  if (outcome === null) {
    const hosts = input.allowedHosts ?? []
    return [hosts.length === 0 ? 'No host is named that it may be sent to.' : `It may be sent to ${hosts.join(', ')}.`]
  }
  const { basis, planned, provider } = outcome
  const notes: string[] = []
  const resolved = providerOf(context, basis, { options: JSON.stringify({ placeholders: input.options?.placeholders ?? {} }) })
  if (planned.kind === 'new' && (provider === null || !context.catalogue.get(provider.id) || /^\{\w+\}$/.test(provider.token_endpoint))) {
    notes.push(`Client secret and refresh token are sent to ${new URL(resolved.tokenEndpoint).host}, as the file says.`)
  }
  const usual = providerHosts(context, basis, input.options?.placeholders)
  const beyond = (input.allowedHosts ?? []).filter((host) => !isAllowedHost(host, usual))
  if (beyond.length > 0) {
    // A registration that is here brings its own secret: who may not read its tokens may not send them anywhere either.
    if (limits.mayWidenHosts === false && planned.kind === 'existing') refuseHostsBeyond(usual, beyond)
    notes.push(`Its tokens may be sent to ${beyond.join(', ')}, beyond the hosts of ${resolved.name}.`)
  }
  return notes
}

function keeps(present: CredentialWithRegistration, input: NewCredential, outcome: Exclude<RegistrationOutcome, { problem: Problem }> | null): boolean {
  if (present.secret === null || input.secret !== undefined || input.refreshToken !== undefined || input.accessToken !== undefined) return false
  const registrationId = outcome?.planned.kind === 'existing' ? outcome.planned.row.id : outcome === null ? null : ''
  if (registrationId !== present.registration_id || (input.grant ?? null) !== present.grant_type) return false
  if ((input.username ?? null) !== present.username) return false
  const had = JSON.parse(present.allowed_hosts) as string[]
  if ((input.allowedHosts ?? []).some((host) => !isAllowedHost(host, had))) return false
  return !secretIsBoundTo(present, { options: input.options ?? {}, username: input.username ?? null, allowedHosts: input.allowedHosts ?? [] }, null)
}

function replacementNotes(present: CredentialWithRegistration, input: NewCredential, keepsSecret: boolean): string[] {
  const had = JSON.parse(present.allowed_hosts) as string[]
  const added = (input.allowedHosts ?? []).filter((host) => !isAllowedHost(host, had))
  const brings = input.secret !== undefined || input.refreshToken !== undefined || input.accessToken !== undefined
  return [
    ...(added.length > 0 ? [`New among its hosts: ${added.join(', ')}.`] : []),
    ...(present.secret === null || brings
      ? []
      : [keepsSecret ? 'It keeps the secret that is here.' : 'The secret that is here is removed: the file changes whose it is or where it may go.']),
  ]
}
