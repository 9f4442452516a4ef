import { mayHaveBody, type ActionValues } from './action-values.ts'
import { readJson } from './json-input.ts'

const needed = 'is needed'

/** What keeps a form from being sent, by the paths that the service would name. Everything else the service judges. */
export function unreadyOf({ name, kind, email, request }: ActionValues): Record<string, string> {
  const mistakes: Record<string, string> = {}
  if (name.trim() === '') mistakes.name = needed
  if (kind === 'send_email') {
    if (email.to.length + email.cc.length + email.bcc.length === 0) mistakes['email.to'] = 'must name at least one recipient'
    if (email.subject === '') mistakes['email.subject'] = needed
  } else {
    if (request.credential === null) mistakes['request.credential'] = needed
    if (request.url.trim() === '') mistakes['request.url'] = needed
    if (mayHaveBody(request.method) && request.bodyKind === 'json') {
      const { mistake } = readJson(request.json)
      if (mistake !== null) mistakes['request.body.json'] = mistake
    }
  }
  return mistakes
}
