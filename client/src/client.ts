import { operations, type Operations, type Problem } from './operations.ts'

/** What the transport is asked to do; `body` is JSON. */
export type TransportRequest = { method: string; url: string; headers: Record<string, string>; body?: string; signal?: AbortSignal }
export type TransportResponse = {
  status: number
  headers: { get(name: string): string | null }
  text(): Promise<string>
  /** For the operations that give a file. */
  arrayBuffer?(): Promise<ArrayBuffer>
}
export type Transport = (request: TransportRequest) => Promise<TransportResponse>

export type ClientOptions = {
  /** Where the service is, such as http://127.0.0.1:7420. */
  url: string
  /** `kb_…`; null only in the service's own page, whose session travels in a cookie. */
  accessKey: string | null
  /** `fetch` unless told. */
  transport?: Transport
}

/** An error that the service answered with: what happened, and what to do next. */
export class KeybearerError extends Error {
  readonly status: number
  /** Stable; see the reference of errors. */
  readonly code: string
  readonly nextStep: string
  /** Seconds after which a repetition makes sense. */
  readonly retryAfter: number | undefined
  readonly problem: Problem | null

  constructor(
    message: string,
    facts: { status: number; code: string; nextStep: string; retryAfter?: number | undefined; problem?: Problem | null; cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause })
    this.name = 'KeybearerError'
    this.status = facts.status
    this.code = facts.code
    this.nextStep = facts.nextStep
    this.retryAfter = facts.retryAfter
    this.problem = facts.problem ?? null
  }
}

type Id = keyof Operations
type Given<Part> = Part extends Record<string, never> | undefined ? { [key: string]: never } : Part
/** What a call takes: only the parts that the operation has. */
export type Input<Name extends Id> = (Operations[Name]['params'] extends Record<string, never> ? unknown : { params: Operations[Name]['params'] }) &
  (Operations[Name]['query'] extends Record<string, never> ? unknown : { query?: Given<Operations[Name]['query']> }) &
  (Operations[Name]['body'] extends undefined ? unknown : { body: Operations[Name]['body'] }) & {
    /** The same key makes the same request be done once. */ idempotencyKey?: string
    /** ETag of what is changed. */ ifMatch?: string
    signal?: AbortSignal
  }

type Optional<Name extends Id> = object extends Omit<Input<Name>, 'idempotencyKey' | 'ifMatch' | 'signal'> ? true : false

/** One method per operation of the API. */
export type Client = {
  [Name in Id]: Optional<Name> extends true
    ? (input?: Input<Name>) => Promise<Operations[Name]['reply']>
    : (input: Input<Name>) => Promise<Operations[Name]['reply']>
}

type AnyInput = {
  params?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  idempotencyKey?: string
  ifMatch?: string
  signal?: AbortSignal
}

/** Makes a client. Every method throws `KeybearerError` when the service refuses or does not answer. */
export function createClient(options: ClientOptions): Client {
  const transport = options.transport ?? fetchTransport
  const base = options.url.replace(/\/+$/, '')
  const call = async (name: Id, input: AnyInput = {}): Promise<unknown> => {
    const operation = operations[name]
    const path = operation.path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(input.params?.[key] ?? ''))
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(input.query ?? {}))
      if (value !== undefined && value !== null) query.set(key, Array.isArray(value) ? value.join(',') : String(value))
    const search = query.size > 0 ? `?${query.toString()}` : ''
    const request: TransportRequest = {
      method: operation.method,
      url: `${base}${path}${search}`,
      headers: {
        accept: 'application/json',
        ...(options.accessKey === null ? {} : { authorization: `Bearer ${options.accessKey}` }),
        ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
        ...(input.ifMatch === undefined ? {} : { 'if-match': input.ifMatch }),
      },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    }
    const response = await send(transport, request, base)
    if (operation.reply === 'file' && response.status < 400 && response.arrayBuffer) return new Uint8Array(await response.arrayBuffer())
    const text = await response.text()
    if (response.status >= 400) throw toError(response, text)
    return operation.reply === 'json' ? (JSON.parse(text) as unknown) : operation.reply === 'text' ? text : null
  }
  const client: Record<string, unknown> = {}
  for (const name of Object.keys(operations) as Id[]) client[name] = (input?: AnyInput) => call(name, input)
  return client as Client
}

async function send(transport: Transport, request: TransportRequest, base: string): Promise<TransportResponse> {
  try {
    return await transport(request)
  } catch (error) {
    throw new KeybearerError(`The Keybearer service at ${base} does not answer.`, {
      status: 0,
      code: 'service_unreachable',
      nextStep: 'Start it with "npm start" or "keybearer serve", or set KEYBEARER_URL.',
      cause: error,
    })
  }
}

function toError(response: TransportResponse, text: string): KeybearerError {
  let problem: Problem | null = null
  try {
    problem = JSON.parse(text) as Problem
  } catch {
    problem = null
  }
  if (problem === null || typeof problem.code !== 'string') {
    return new KeybearerError(`The service answered with status ${response.status}.`, {
      status: response.status,
      code: 'internal_error',
      nextStep: 'Check that KEYBEARER_URL names a Keybearer service.',
    })
  }
  return new KeybearerError(problem.detail, {
    status: problem.status,
    code: problem.code,
    nextStep: problem.next_step,
    retryAfter: problem.retry_after,
    problem,
  })
}

const fetchTransport: Transport = async ({ method, url, headers, body, signal }) =>
  await fetch(url, { method, headers, redirect: 'error', ...(body === undefined ? {} : { body }), ...(signal === undefined ? {} : { signal }) })
