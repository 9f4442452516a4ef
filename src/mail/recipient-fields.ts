import addressparser from 'nodemailer/lib/addressparser'
import MailComposer from 'nodemailer/lib/mail-composer'
import { normalizeAddress, type Mailbox } from './message.ts'
import { cutHeader, decodeWords, nameOf, splitFields, type Field } from './mime-reader.ts'

export type Recipients = { to: Mailbox[]; cc: Mailbox[]; bcc: Mailbox[] }

/** Fields out of which some servers read who gets a message. */
const recipientFields = new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'])

/**
 * Divides the recipients of the envelope as the header shows them: who stands in To or Cc there is seen by the others, and
 * everybody else is hidden.
 *
 * Invariant: together they are exactly the envelope, each once.
 */
export function divideRecipients(fields: Field[], envelope: string[]): Recipients {
  const left = new Map(envelope.map((address) => [keyOf(address), address]))
  const take = (name: string): Mailbox[] =>
    readMailboxes(fields, name).flatMap((mailbox) => {
      const key = keyOf(mailbox.address)
      const address = left.get(key)
      if (address === undefined) return []
      left.delete(key)
      return [{ name: mailbox.name, address }]
    })
  const to = take('to')
  const cc = take('cc')
  return { to, cc, bcc: [...left.values()].map((address) => ({ name: '', address })) }
}

/** Returns the addresses of a field, those in groups too, with their names readable. */
export function readMailboxes(fields: Field[], name: string): Mailbox[] {
  return fields
    .filter((field) => field.name === name)
    .flatMap((field) => addressparser(field.value, { flatten: true }) as Mailbox[])
    .filter((entry) => typeof entry.address === 'string' && entry.address !== '')
    .map((entry) => ({ name: decodeWords(entry.name), address: entry.address }))
}

const keyOf = (address: string): string => (normalizeAddress(address) ?? address).toLowerCase()

/** Returns a message whose header names exactly these recipients, for servers that read them there. */
export async function withRecipients(mime: string, recipients: Recipients): Promise<string> {
  const { header } = cutHeader(mime)
  const rest = mime.slice(header.length)
  const kept = splitFields(header).filter((field) => !recipientFields.has(nameOf(field)))
  return [...kept, ...(await writeFields(recipients))].join('\r\n') + rest
}

/** Has the fields written by whoever writes those of every message, so that names in any script come out right. */
async function writeFields(recipients: Recipients): Promise<string[]> {
  const node = new MailComposer({ ...recipients, text: '', newline: 'windows' }).compile()
  node.keepBcc = true
  const { header } = cutHeader((await node.build()).toString('utf8'))
  return splitFields(header).filter((field) => recipientFields.has(nameOf(field)))
}
