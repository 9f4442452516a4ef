import { Code, Stack, Text } from '@mantine/core'
import type { ActionPreview } from '@keybearer/client'
import { Facts } from '../elements/facts.tsx'

/** What a run would send: the fields of the mail or request, and its texts as they are. */
export function PreviewView({ preview: { email, request } }: { preview: ActionPreview }) {
  if (request !== null) {
    return (
      <Stack gap="xs">
        <Facts label="The request" rows={[['Request', `${request.method} ${request.url}`], ...Object.entries(request.headers)]} />
        <Part title="Body" text={request.body} />
      </Stack>
    )
  }
  if (email === null) return null
  const rows: [string, string | null][] = [
    ['Through', email.sender.name],
    ['From', email.from],
    ['To', email.to.join(', ') || null],
    ['Cc', email.cc.join(', ') || null],
    ['Bcc', email.bcc.join(', ') || null],
    ['Reply-To', email.reply_to],
    ['Subject', email.subject],
    ...Object.entries(email.headers),
    ['Attachments', email.attachments.map((file) => `${file.filename} (${file.size.toLocaleString()} bytes)`).join(', ') || null],
  ]
  return (
    <Stack gap="xs">
      <Facts label="The mail" rows={rows} />
      <Part title="Text" text={email.text} />
      <Part title="HTML" text={email.html} />
    </Stack>
  )
}

function Part({ title, text }: { title: string; text: string | null }) {
  if (text === null) return null
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Code block tabIndex={0} role="region" aria-label={title} mah={320} style={{ overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {text === '' ? '(empty)' : text}
      </Code>
    </div>
  )
}
