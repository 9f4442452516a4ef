import type { Actor } from '../base/actor.ts'
import type { NewHttpRequest } from './types.ts'

export const actionKinds = ['send_email', 'http_request'] as const
export type ActionKind = (typeof actionKinds)[number]

/** What is sent by an action of kind `send_email`. Every text but ids and contents may have variables. */
export type EmailDefinition = {
  /** Id of a sender; null: the one of `credential`, or the default one. */
  sender: string | null
  /** Id of a credential, whose sender is taken. */
  credential: string | null
  from: string | null
  to: string[]
  cc: string[]
  bcc: string[]
  replyTo: string | null
  subject: string
  text: string | null
  html: string | null
  headers: Record<string, string>
  /** Either `content`, in base64, or `text`. */
  attachments: { filename: string; contentType: string | null; content: string | null; text: string | null }[]
  /** `sent`: the run has succeeded when a mail server has taken the message, not when the outbox has. */
  until: 'accepted' | 'sent'
}

/** How the pages of a long answer follow one another. */
export type Paging = {
  by: 'next_link' | 'link_header' | 'cursor'
  /** Where the next link or cursor stands in the answer. */
  path: string | null
  /** Which parameter of the query the cursor goes into. */
  parameter: string | null
  /** Where the items of a page stand; they are put together. Null: the whole answers. */
  items: string | null
  mostPages: number
}

/** What is sent by an action of kind `http_request`. */
export type RequestDefinition = {
  credential: string
  method: NewHttpRequest['method']
  url: string
  headers: Record<string, string>
  query: Record<string, string>
  /** `json`: texts in it may have variables. */
  body: null | { kind: 'json'; json: unknown } | { kind: 'text'; text: string } | { kind: 'form'; form: Record<string, string> }
  keyHeader: string | null
  timeoutSeconds: number
  maxBytes: number
  paging: Paging | null
}

/** Which problems make a run fail. Others are noted, and the run has succeeded. */
export type FailureRule = {
  /** Everything that is a problem, named here or not. */
  anything: boolean
  /** Statuses such as 404, or classes such as 5xx. */
  statuses: string[]
  /** Codes of problems. */
  codes: string[]
}

/** What is done when a run fails. */
export type OnError = {
  retries: number
  retryDelaySeconds: number
  /** Null: no mail. An empty list: those whom the email options name. */
  report: { to: string[] } | null
  /** Id of an action that is run beside. */
  run: string | null
  /** Id of the action that the chain goes on with. Null: it stops. */
  continueWith: string | null
}

export type Definition = {
  email: EmailDefinition | null
  request: RequestDefinition | null
  failure: FailureRule
  onError: OnError
  /** Id of the action that comes after a success. */
  next: string | null
}

export type Named = { id: string; name: string }

export type RunStatus = 'queued' | 'running' | 'waiting' | 'done' | 'failed' | 'interrupted'

export type RunTrigger = 'api' | 'webhook' | 'schedule' | 'action'

export type RunView = {
  id: string
  action: Named
  kind: ActionKind
  root: string
  parent: string | null
  /** It was run because of an error, and its outcome does not count for the chain. */
  aside: boolean
  trigger: RunTrigger
  status: RunStatus
  orderedBy: Pick<Actor, 'id' | 'name' | 'kind'>
  inputNames: string[]
  attempts: number
  nextAttemptAt: number | null
  problem: RunProblem | null
  /** There was a problem that does not count as a failure. */
  tolerated: boolean
  responseStatus: number | null
  messageId: string | null
  createdAt: number
  startedAt: number | null
  finishedAt: number | null
}

export type RunProblem = { code: string; message: string; nextStep: string }

export type ActionView = {
  id: string
  name: string
  kind: ActionKind
  description: string
  /** Names of the input that its texts ask for. */
  inputs: string[]
  paused: boolean
  credential: Named | null
  sender: Named | null
  lastRun: RunView | null
  createdAt: number
  updatedAt: number
  revision: number
}

/** An action with what it does, for whoever manages it. Ids stand beside the names of what they name. */
export type WholeAction = ActionView & { definition: Definition; names: ReadonlyMap<string, string> }

/** In what comes in, everything is named by id or name. */
export type NewAction = { name: string; kind: ActionKind; description: string; paused: boolean; definition: Definition }

/** What an action came to, for the caller and for the action after it. */
export type Result = {
  /** The answer's, or null for a mail. */
  status: number | null
  headers: Record<string, string>
  body: string | null
  bodyEncoding: 'text' | 'base64' | null
  truncated: boolean
  /** What the body is as JSON, or the items of all pages. */
  json: unknown
  pages: number
  message: { id: string; status: string } | null
}
