import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { isLoopback } from '../base/addresses.ts'
import { newId } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import { checkDestination, isAmong } from '../credentials/destination.ts'
import { cleanName, nameErrors } from '../credentials/names.ts'
import { failed, passed, type ExaminationStep } from '../credentials/examination-steps.ts'
import type { CredentialView } from '../credentials/types.ts'
import { actionsUsing } from '../storage/actions.ts'
import { nameKey } from '../storage/credential-derived.ts'
import { appendEvents } from '../storage/events.ts'
import { clearDefaultSender, deleteSenderRow, findSender, insertSender, listSenderRows, updateSenderIf, type SenderRow } from '../storage/senders.ts'
import type { NewRow, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { MailContext } from './context.ts'
import { isFallback } from './mail-options.ts'
import { normalizeAddress } from './message.ts'
import { readTakesFrom } from './from-rules.ts'
import type { Outbox } from './outbox.ts'
import { toSenderView } from './sender-view.ts'
import type { MessageView, NewSender, SenderView } from './types.ts'

/** The ways to send mail: server, login, From address, credential. */
export class Senders {
  readonly #context: MailContext
  readonly #outbox: Outbox

  constructor(context: MailContext, outbox: Outbox) {
    this.#context = context
    this.#outbox = outbox
  }

  async list(): Promise<SenderView[]> {
    return (await listSenderRows(this.#context.db)).map(toSenderView)
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<SenderView> {
    return toSenderView(await this.#find(ref))
  }

  async #find(ref: string): Promise<SenderRow> {
    const row = await findSender(this.#context.db, ref)
    if (!row) throw new Problem('not_found', `There is no sender "${ref.slice(0, 100)}".`)
    return row
  }

  async create(input: NewSender, actor: Actor): Promise<SenderView> {
    const { clock, db } = this.#context
    const kind = input.kind ?? 'smtp'
    const credential = input.credential == null ? null : await this.#context.credentials.get(input.credential)
    const tls = input.tls ?? (kind === 'smtp' ? 'starttls' : 'implicit')
    const full = {
      name: input.name,
      kind,
      host: (input.host ?? this.#apiOf(kind, credential)?.host ?? '').trim().toLowerCase(),
      port: input.port ?? (kind !== 'smtp' ? 443 : tls === 'implicit' ? 465 : 587),
      tls,
      mechanism: input.mechanism ?? (input.credential == null ? ('none' as const) : ('auto' as const)),
      login: input.login ?? null,
      from: input.from,
      fromName: input.fromName ?? null,
      takesFrom: input.takesFrom ?? null,
      foreignFrom: input.foreignFrom ?? null,
      ca: input.ca ?? null,
    }
    check(full, credential, this.#apiOf(kind, credential))
    const now = clock.now()
    const row: NewRow<'senders'> = {
      id: newId('snd', now),
      name: cleanName(full.name),
      name_key: nameKey(cleanName(full.name)),
      kind,
      host: full.host,
      port: full.port,
      tls: full.tls,
      mechanism: full.mechanism,
      credential_id: credential?.id ?? null,
      login: full.login,
      from_address: normalizeAddress(full.from)!,
      from_name: full.fromName,
      ...rulesOf(full),
      ca: full.ca,
      is_default: 0,
      created_at: now,
      updated_at: now,
      revision: 1,
    }
    await inTransaction(db, async (trx) => {
      const first = (await trx.selectFrom('senders').select('id').limit(1).execute()).length === 0
      const isDefault = input.isDefault ?? first
      if (isDefault) await clearDefaultSender(trx)
      await this.#write(row.name, () => insertSender(trx, { ...row, is_default: isDefault ? 1 : 0 }))
      await this.#tell(trx, actor, 'sender.created', row, { host: row.host, default: isDefault })
    })
    await this.#context.wake()
    return await this.get(row.id)
  }

  async change(ref: string, patch: Partial<NewSender>, actor: Actor, ifRevision?: number): Promise<SenderView> {
    const before = await this.#find(ref)
    const changed = () => new Problem('changed_meanwhile', `Somebody changed the sender "${before.name}" meanwhile.`)
    if (ifRevision !== undefined && ifRevision !== before.revision) throw changed()
    const view = toSenderView(before)
    const full = {
      kind: view.kind,
      name: patch.name ?? view.name,
      host: (patch.host ?? view.host).trim().toLowerCase(),
      port: patch.port ?? view.port,
      tls: patch.tls ?? view.tls,
      mechanism: patch.mechanism ?? view.mechanism,
      login: patch.login === undefined ? view.login : patch.login,
      from: patch.from ?? view.from,
      fromName: patch.fromName === undefined ? view.fromName : patch.fromName,
      takesFrom: patch.takesFrom === undefined ? view.takesFrom : patch.takesFrom,
      foreignFrom: patch.foreignFrom === undefined ? view.foreignFrom : patch.foreignFrom,
      ca: patch.ca === undefined ? view.ca : patch.ca,
    }
    const credentialRef = patch.credential === undefined ? before.credential_id : patch.credential
    const credential = credentialRef === null ? null : await this.#context.credentials.get(credentialRef)
    check(full, credential, this.#apiOf(full.kind, credential))
    await inTransaction(this.#context.db, async (trx) => {
      if (patch.isDefault === true) await clearDefaultSender(trx)
      const done = await this.#write(full.name, () =>
        updateSenderIf(trx, before.id, before.revision, {
          name: cleanName(full.name),
          name_key: nameKey(cleanName(full.name)),
          host: full.host,
          port: full.port,
          tls: full.tls,
          mechanism: full.mechanism,
          credential_id: credential?.id ?? null,
          login: full.login,
          from_address: normalizeAddress(full.from)!,
          from_name: full.fromName,
          ...rulesOf(full),
          ca: full.ca,
          ...(patch.isDefault === undefined ? {} : { is_default: patch.isDefault ? 1 : 0 }),
          updated_at: this.#context.clock.now(),
        }),
      )
      if (!done) throw changed()
      const fields = Object.keys(patch).filter((field) => patch[field as keyof NewSender] !== undefined)
      await this.#tell(trx, actor, 'sender.changed', before, { fields })
    })
    await this.#context.wake()
    return await this.get(before.id)
  }

  /** @throws Problem in_use while messages wait for it */
  async delete(ref: string, actor: Actor): Promise<void> {
    const row = await this.#find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      const waiting = await trx
        .selectFrom('messages')
        .select('id')
        .where('sender_id', '=', row.id)
        .where('status', 'in', ['queued', 'sending'])
        .limit(1)
        .execute()
      if (waiting.length > 0)
        throw new Problem('in_use', `Messages wait to be sent through "${row.name}".`, { nextStep: 'Wait, cancel them, or change the sender.' })
      if (await isFallback(trx, row.id)) {
        throw new Problem('in_use', `"${row.name}" stands in for the default sender.`, { nextStep: 'Take it out of the email options first.' })
      }
      const actions = await actionsUsing(trx, 'sender_id', row.id)
      if (actions.length > 0) throw new Problem('in_use', `"${row.name}" is used by the action ${actions.map((name) => `"${name}"`).join(', ')}.`)
      await deleteSenderRow(trx, row.id)
      await this.#tell(trx, actor, 'sender.deleted', row, {})
    })
    await this.#context.wake()
  }

  /** Logs in at the server of every sender that uses a credential, for real, and sends nothing. */
  async examine(credentialId: string, actor: Actor): Promise<ExaminationStep[]> {
    const steps: ExaminationStep[] = []
    for (const sender of await this.#using(credentialId)) {
      const name = `mail (${sender.name})`
      const outcome = await this.#outbox.tryLogin(sender, actor)
      if (outcome === 'in')
        steps.push(passed(name, sender.kind === 'smtp' ? `${sender.host}:${sender.port} takes the login.` : `${sender.host} takes the token.`))
      else if (outcome.kind !== 'sent') {
        const reply = outcome.reply === null ? '' : ` ${outcome.reply}`
        const nextStep = outcome.diagnosis ? null : (outcome.nextStep ?? 'Check host, port and login of the sender.')
        steps.push(
          failed(name, `${outcome.message}${outcome.message.includes(outcome.reply ?? '\0') ? '' : reply}`, { nextStep, diagnosis: outcome.diagnosis ?? null }),
        )
      }
    }
    return steps
  }

  /** Returns the hosts of the senders that use a credential. */
  async hostsOf(credentialId: string): Promise<string[]> {
    return (await this.#using(credentialId)).map((sender) => sender.host)
  }

  /** What the provider of a credential says of the API that sends mail; undefined: nothing. */
  #apiOf(kind: SenderView['kind'], credential: CredentialView | null): MailApi | undefined {
    const provider = credential?.provider == null ? undefined : this.#context.catalogue.get(credential.provider.id)
    return provider?.mail_apis.find((api) => api.kind === kind)
  }

  async #using(credentialId: string): Promise<SenderView[]> {
    return (await this.list()).filter((sender) => sender.credential?.id === credentialId)
  }

  /** Sends a short message, so that the whole way is tried. */
  async test(ref: string, order: { to: string }, actor: Actor): Promise<{ message: MessageView }> {
    const row = await this.#find(ref)
    this.#outbox.askAgain()
    const message = await this.#outbox.accept(
      {
        sender: row.id,
        to: [order.to],
        subject: `Test message from Keybearer (${row.name})`,
        text: `This message was sent through the sender "${row.name}" (${row.host}:${row.port}).\n\nIf you can read it, programs can send mail through this sender.\n`,
      },
      actor,
    )
    return { message }
  }

  async #write<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a sender "${cleanName(name)}".`)
      throw error
    }
  }

  async #tell(
    trx: Transaction<Tables>,
    actor: Actor,
    action: 'sender.created' | 'sender.changed' | 'sender.deleted',
    row: { id: string; name: string },
    detail: Record<string, string | boolean | string[]>,
  ): Promise<void> {
    await this.#context.audit.append(trx, [{ actor, action, subject: row.id, subjectName: row.name, outcome: 'done', detail }])
    await appendEvents(trx, this.#context.clock, [{ type: 'sender.changed', subject: row.id, data: { name: row.name, change: action.split('.')[1] } }])
  }
}

type MailApi = { kind: string; host: string; scopes: string[] }
type Checked = Pick<SenderView, 'name' | 'kind' | 'host' | 'port' | 'tls' | 'mechanism' | 'login' | 'from' | 'fromName' | 'takesFrom' | 'ca'>

function rulesOf({ takesFrom, foreignFrom }: Pick<SenderView, 'takesFrom' | 'foreignFrom'>) {
  const kept = readTakesFrom(takesFrom, [])
  return { takes_from: kept === null ? null : JSON.stringify(kept), foreign_from: foreignFrom }
}

function check(sender: Checked, credential: CredentialView | null, api: MailApi | undefined): void {
  const errors: FieldError[] = [...nameErrors(sender.name)]
  if (!/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(sender.host))
    errors.push({ path: 'host', message: 'must be a host name or an IPv4 address' })
  if (sender.tls === 'none' && !isLoopback(sender.host))
    errors.push({ path: 'tls', message: 'none is for loopback only: elsewhere everybody on the way could read along' })
  if (normalizeAddress(sender.from) === null) errors.push({ path: 'from', message: 'must be a mail address' })
  if (sender.fromName !== null && (/\p{Cc}/u.test(sender.fromName) || sender.fromName.length > 200))
    errors.push({ path: 'from_name', message: 'must be one line of at most 200 characters' })
  readTakesFrom(sender.takesFrom, errors)
  if (sender.login !== null && (/\p{Cc}/u.test(sender.login) || sender.login === '')) errors.push({ path: 'login', message: 'must be one line' })
  if (sender.ca !== null && !sender.ca.includes('-----BEGIN CERTIFICATE-----')) errors.push({ path: 'ca', message: 'must be a certificate in PEM form' })
  errors.push(...(sender.kind === 'smtp' ? mechanismErrors(sender, credential) : apiErrors(sender, credential, api)))
  if (errors.length > 0) throw new Problem('invalid_request', 'The sender cannot be like this.', { errors })
  if (credential !== null) checkDestination({ ...credential, notFor: [] }, sender)
}

/** An API takes tokens and nothing else, and one only for it. */
function apiErrors(sender: Checked, credential: CredentialView | null, api: MailApi | undefined): FieldError[] {
  const errors: FieldError[] = []
  if (credential?.kind !== 'oauth2') errors.push({ path: 'credential', message: `must be one of kind oauth2: ${sender.kind} takes nothing else` })
  else if (credential.scopes.length > 0 && api !== undefined && !api.scopes.some((scope) => isAmong(scope, credential.scopes)))
    errors.push({ path: 'credential', message: `has a token for something else: ${sender.kind} takes ${api.scopes.join(' or ')}` })
  if (sender.tls === 'starttls') errors.push({ path: 'tls', message: 'must be implicit: an API has no STARTTLS' })
  if (sender.mechanism !== 'auto' && sender.mechanism !== 'none') errors.push({ path: 'mechanism', message: 'is for kind smtp only' })
  if (sender.ca !== null) errors.push({ path: 'ca', message: 'is for kind smtp only' })
  return errors
}

function mechanismErrors(sender: Checked, credential: CredentialView | null): FieldError[] {
  if (credential === null) return sender.mechanism === 'none' ? [] : [{ path: 'mechanism', message: 'needs a credential' }]
  if (credential.kind === 'api_key') return [{ path: 'credential', message: 'must be oauth2 or basic: no mail server takes an API key' }]
  const fitting = credential.kind === 'basic' ? ['auto', 'PLAIN', 'LOGIN'] : ['auto', 'XOAUTH2', 'OAUTHBEARER']
  return fitting.includes(sender.mechanism)
    ? []
    : [{ path: 'mechanism', message: `must be one of ${fitting.join(', ')} for a credential of kind ${credential.kind}` }]
}
