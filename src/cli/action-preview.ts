import type { ActionPreview } from '../../client/src/operations.ts'

/** Shows what an action would send: its header, an empty line, and its text. */
export function previewLines({ email, request }: ActionPreview): string[] {
  if (request !== null) {
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`)
    return [`${request.method} ${request.url}`, ...headers, ...(request.body === null ? [] : ['', request.body])]
  }
  if (email === null) return []
  const fields: [string, string][] = [
    ['Through', email.sender.name],
    ['From', email.from],
    ['To', email.to.join(', ')],
    ['Cc', email.cc.join(', ')],
    ['Bcc', email.bcc.join(', ')],
    ['Reply-To', email.reply_to ?? ''],
    ['Subject', email.subject],
    ...Object.entries(email.headers),
    ...email.attachments.map((file): [string, string] => ['Attached', `${file.filename}, ${file.size} bytes`]),
  ]
  const lines = fields.flatMap(([label, value]) => (value === '' ? [] : [`${label}: ${value}`]))
  return [...lines, '', email.text ?? email.html ?? '', ...(email.text !== null && email.html !== null ? ['', 'It has HTML, too: --html prints it.'] : [])]
}
