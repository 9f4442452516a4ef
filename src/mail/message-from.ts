import MailComposer from 'nodemailer/lib/mail-composer'
import { nameOf, splitFields } from './mime-reader.ts'
import type { SenderView } from './types.ts'

/**
 * Returns a message as it goes out through another sender: From is that sender's own address, which its server takes, and
 * answers still go to whom the message came from.
 */
export async function fromSender(bytes: Buffer, sender: Pick<SenderView, 'from' | 'fromName'>, envelopeFrom: string): Promise<Buffer> {
  if (sender.from === envelopeFrom) return bytes
  const end = bytes.indexOf('\r\n\r\n')
  // One character per byte: a header need not be UTF-8.
  const fields = splitFields(bytes.subarray(0, end).toString('latin1'))
  const old = fields.find((field) => nameOf(field) === 'from')
  const hasReplyTo = fields.some((field) => nameOf(field) === 'reply-to')
  const from = await fromField(sender)
  const changed = fields.flatMap((field) => {
    if (nameOf(field) !== 'from') return [field]
    return hasReplyTo || old === undefined ? [from] : [from, old.replace(/^from:/i, 'Reply-To:')]
  })
  return Buffer.concat([Buffer.from(changed.join('\r\n'), 'latin1'), bytes.subarray(end)])
}

/** Fields that were written before: composing a whole message for one takes longer than everything else that is done with it. */
const written = new Map<string, string>()

/** Has the field written by whoever writes those of every message, so that names in any script come out right. */
export async function fromField(sender: Pick<SenderView, 'from' | 'fromName'>): Promise<string> {
  const key = JSON.stringify([sender.from, sender.fromName])
  const known = written.get(key)
  if (known !== undefined) return known
  const node = new MailComposer({ from: { name: sender.fromName ?? '', address: sender.from }, text: '', newline: 'windows' }).compile()
  const text = (await node.build()).toString('utf8')
  const field = splitFields(text.slice(0, text.indexOf('\r\n\r\n'))).find((one) => nameOf(one) === 'from')
  if (field === undefined) throw new Error('a message without From was composed')
  if (written.size >= 100) written.clear()
  written.set(key, field)
  return field
}
