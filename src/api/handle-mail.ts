import type { Caller } from '../access/caller.ts'
import { Problem } from '../base/problem.ts'
import type { MessageView, SenderView } from '../mail/types.ts'
import type { HandlersOf } from './call.ts'
import { mayManage } from './guard.ts'
import type { Services } from './services.ts'
import { messageBody, senderBody, toNewMessage, toNewSender, toSenderChange } from './views-mail.ts'

type Ids =
  | 'listSenders'
  | 'createSender'
  | 'getSender'
  | 'changeSender'
  | 'deleteSender'
  | 'testSender'
  | 'sendMessage'
  | 'sendRawMessage'
  | 'listMessages'
  | 'getMessage'
  | 'retryMessage'
  | 'resendMessage'
  | 'cancelMessage'

type Parts = Pick<Services, 'senders' | 'outbox' | 'rawIntake' | 'credentials' | 'keyLimits'>

export function mailHandlers({ senders, outbox, rawIntake, credentials, keyLimits }: Parts): HandlersOf<Ids> {
  return {
    async listSenders({ caller }) {
      const visible = (await senders.list()).filter((sender) => maySee(caller, sender))
      return { body: { items: visible.map(senderBody), next: null } }
    },
    async createSender({ body, actor, caller }) {
      await checkWay(credentials, caller, body)
      const view = await senders.create(toNewSender(body), actor)
      return { body: senderBody(view), revision: view.revision, headers: { location: `/v1/senders/${view.id}` } }
    },
    async getSender({ params, caller }) {
      const view = await seenSender(senders, caller, params.sender)
      return { body: senderBody(view), revision: view.revision }
    },
    async changeSender({ params, body, actor, caller, ifRevision }) {
      const before = await senders.get(params.sender)
      await checkWay(credentials, caller, body, before)
      // What was judged is what is changed: nobody else's change comes between.
      const view = await senders.change(before.id, toSenderChange(body), actor, ifRevision ?? before.revision)
      return { body: senderBody(view), revision: view.revision }
    },
    async deleteSender({ params, actor }) {
      await senders.delete(params.sender, actor)
      return {}
    },
    async testSender({ params, body, actor }) {
      const { message } = await senders.test(params.sender, { to: body.to }, actor)
      return { body: { message: messageBody(message) } }
    },
    async sendMessage({ body, actor, caller, submission }) {
      const before = submission === null ? null : await outbox.submitted(submission)
      if (before) return repeated(before)
      const sender = body.sender === undefined ? await defaultSender(senders, caller) : await seenSender(senders, caller, body.sender)
      if (!maySend(caller, sender)) throw new Problem('not_allowed', `${caller.title} may not send mail through "${sender.name}".`)
      // The sender that was decided on is the one that sends.
      const view = await outbox.accept(
        { ...toNewMessage(body), sender: sender.id, ...(submission && { submission }) },
        actor,
        undefined,
        keyLimits.limiterOf(caller),
      )
      return { body: messageBody(view), headers: { location: `/v1/mail/messages/${view.id}` } }
    },
    async sendRawMessage({ body, actor, caller, submission }) {
      const before = submission === null ? null : await outbox.submitted(submission)
      if (before) return repeated(before)
      const id = await rawIntake.accept(
        {
          mime: Buffer.from(body.mime, 'base64'),
          mailFrom: body.mail_from ?? '',
          to: body.to ?? 'named',
          ...(body.sender === undefined ? {} : { sender: body.sender }),
          maySend: (sender) => maySend(caller, sender),
          limiter: keyLimits.limiterOf(caller),
          trace: null,
          by: 'raw',
          ...(submission && { submission }),
          ...(body.priority && { priority: body.priority }),
        },
        actor,
      )
      return { body: messageBody(await outbox.get(id)), headers: { location: `/v1/mail/messages/${id}` } }
    },
    async listMessages({ query: { status, sender, cursor, limit }, caller }) {
      const through = sender === undefined ? undefined : (await seenSender(senders, caller, sender)).id
      const page = await outbox.list({
        ...(status ? { status } : {}),
        ...(through ? { sender: through } : {}),
        ...(cursor ? { cursor } : {}),
        ...(limit === undefined ? {} : { limit }),
        ...(mayManage(caller) ? {} : { createdBy: caller.actor.id }),
      })
      return { body: { items: page.items.filter((message) => isOwn(caller, message)).map(messageBody), next: page.next } }
    },
    async getMessage({ params, caller }) {
      return { body: messageBody(await ownMessage(outbox, caller, params.message)) }
    },
    async retryMessage({ params, actor, caller }) {
      const message = await ownMessage(outbox, caller, params.message)
      return { body: messageBody(await outbox.retry(message.id, actor)) }
    },
    async resendMessage({ params, body, actor, caller }) {
      const message = await ownMessage(outbox, caller, params.message)
      const sender = await seenSender(senders, caller, body.sender)
      if (!maySend(caller, sender)) throw new Problem('not_allowed', `${caller.title} may not send mail through "${sender.name}".`)
      return { body: messageBody(await outbox.resend(message.id, sender, actor)) }
    },
    async cancelMessage({ params, actor, caller }) {
      const message = await ownMessage(outbox, caller, params.message)
      return { body: messageBody(await outbox.cancel(message.id, actor)) }
    },
  }
}

/** What came before is answered as it stands now. */
const repeated = (message: MessageView) => ({
  body: messageBody(message),
  headers: { location: `/v1/mail/messages/${message.id}`, 'idempotent-replayed': 'true' },
})

type Way = {
  credential?: string | null | undefined
  host?: string | undefined
  port?: number | undefined
  tls?: string | undefined
  ca?: string | null | undefined
}

/**
 * Refuses a sender over which a token could go astray, set up by somebody who may not read the token: one that trusts a
 * certificate authority of its own, or that sends without TLS to whatever listens at a port of this machine.
 */
async function checkWay(credentials: Services['credentials'], caller: Caller, body: Way, before?: SenderView): Promise<void> {
  const touched = [body.credential, body.host, body.port, body.tls, body.ca].some((value) => value !== undefined)
  const ref = body.credential === undefined ? (before?.credential?.id ?? null) : body.credential
  const open = (body.ca === undefined ? (before?.ca ?? null) : body.ca) !== null || (body.tls ?? before?.tls) === 'none'
  if (!touched || !open || ref === null) return
  const id = await credentials.idOf(ref)
  if (id === null || caller.can('token', id)) return
  throw new Problem('not_allowed', `Only a key that may read the token may set up such a way for it: with an own certificate authority, or without TLS.`, {
    nextStep: 'Use a key with the right "token" on this credential.',
  })
}

/** A sender without a credential needs the right on all of them: no list names it. */
const maySend = (caller: Caller, sender: SenderView): boolean => caller.can('mail', sender.credential?.id ?? '*')
const maySee = (caller: Caller, sender: SenderView): boolean => mayManage(caller) || maySend(caller, sender)
const isOwn = (caller: Caller, message: MessageView): boolean => mayManage(caller) || message.createdBy === caller.actor.id

async function seenSender(senders: Services['senders'], caller: Caller, ref: string): Promise<SenderView> {
  const sender = await senders.get(ref)
  if (maySee(caller, sender)) return sender
  throw new Problem('not_found', `There is no sender "${ref.slice(0, 100)}".`)
}

async function defaultSender(senders: Services['senders'], caller: Caller): Promise<SenderView> {
  const usable = (await senders.list()).filter((sender) => sender.isDefault && maySee(caller, sender))
  const [first] = usable
  if (first) return first
  throw new Problem('no_sender', 'The message names no sender, and no default one may be used with this access key.')
}

async function ownMessage(outbox: Services['outbox'], caller: Caller, id: string): Promise<MessageView> {
  const message = await outbox.get(id)
  if (isOwn(caller, message)) return message
  throw new Problem('not_found', `There is no message "${id.slice(0, 100)}".`)
}
