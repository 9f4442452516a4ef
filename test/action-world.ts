import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Definition, EmailDefinition, RequestDefinition, WholeAction } from '../src/actions/action-types.ts'
import type { ActionContext } from '../src/actions/context.ts'
import { ActionRuns, type Ran } from '../src/actions/action-runs.ts'
import { Actions } from '../src/actions/actions.ts'
import { HttpRequests } from '../src/actions/http-requests.ts'
import { Schedules } from '../src/actions/schedules.ts'
import { ActionHooks } from '../src/actions/action-hooks.ts'
import { Refusals } from '../src/access/refusals.ts'
import type { EventBus } from '../src/base/events.ts'
import { Secret } from '../src/base/secret.ts'
import { createJobRunner, type JobRunner } from '../src/jobs/job-runner.ts'
import { startLocalServer, type LocalServer } from './local-server.ts'
import { makeMailBed, type MailBed } from './mail-world.ts'
import { tester } from './world.ts'

export type ActionWorld = {
  context: ActionContext
  actions: Actions
  runs: ActionRuns
  schedules: Schedules
  hooks: ActionHooks
  jobs: JobRunner
  counts: Map<string, number>
  stop(): Promise<void>
}

type Parts = Omit<ActionContext, 'environment' | 'keepRuns' | 'mailPatience' | 'count'> & { bus: EventBus } & Partial<
    Pick<ActionContext, 'environment' | 'keepRuns' | 'mailPatience'>
  >

/** Puts saved actions over parts that are there, and starts their jobs. */
export async function openActionsOver(parts: Parts): Promise<ActionWorld> {
  const counts = new Map<string, number>()
  const context: ActionContext = {
    db: parts.db,
    dialect: parts.dialect,
    clock: parts.clock,
    vault: parts.vault,
    audit: parts.audit,
    log: parts.log,
    wake: parts.wake,
    senders: parts.senders,
    outbox: parts.outbox,
    mailOptions: parts.mailOptions,
    requests: parts.requests,
    environment: parts.environment ?? {},
    mailPatience: parts.mailPatience ?? 30_000,
    keepRuns: parts.keepRuns ?? 30 * 86_400_000,
    count: (outcome) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
  }
  const actions = new Actions(context)
  const runs = new ActionRuns(context, actions)
  const schedules = new Schedules(context, { bus: parts.bus, actions, runs })
  const hooks = new ActionHooks(context, { actions, runs, refusals: new Refusals(context) })
  const jobs = createJobRunner({ db: context.db, dialect: context.dialect, clock: context.clock, log: context.log, handlers: runs.handlers })
  await runs.start(jobs)
  await jobs.start()
  return {
    context,
    actions,
    runs,
    schedules,
    hooks,
    jobs,
    counts,
    async stop() {
      await jobs.stop()
      await runs.stop()
    },
  }
}

export type SeenCall = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

export type ActionBed = ActionWorld & {
  mail: MailBed
  api: LocalServer
  /** Every request that the server got. */
  seen: SeenCall[]
  /** What the server says next. */
  on: { answer: (call: SeenCall, response: ServerResponse, count: number) => void }
  /** Id of a credential of kind api_key for the server. */
  credential: string
  request(input?: Partial<RequestDefinition>, more?: Partial<Definition>): Definition
  email(input?: Partial<EmailDefinition>, more?: Partial<Definition>): Definition
  make(name: string, definition: Definition, more?: { paused?: boolean }): Promise<WholeAction>
  run(action: string, input?: Record<string, unknown>): Promise<Ran>
}

/** Starts an HTTP server, a mail server, a database, and saved actions over them; all of it ends with the test. */
export async function makeActionBed(
  test: Parameters<typeof makeMailBed>[0],
  options: Parameters<typeof makeMailBed>[1] & { environment?: Record<string, string>; keepRuns?: number; mailPatience?: number } = {},
): Promise<ActionBed> {
  const closers: (() => Promise<void>)[] = []
  // What is opened last ends first.
  test.after(async () => {
    for (const close of closers) await close()
  })
  const mail = await makeMailBed({ after: (close) => void closers.push(close) }, options)
  const { context } = mail.world
  const seen: SeenCall[] = []
  const on: ActionBed['on'] = { answer: (_, response) => void response.setHeader('content-type', 'application/json').end('{"ok":true}') }
  const api = await startLocalServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      on.answer(seen.at(-1)!, response, seen.length)
    })
  })
  const requests = new HttpRequests(context, { credentials: mail.world.credentials, countSent: () => undefined })
  const world = await openActionsOver({ ...mail.context, senders: mail.senders, outbox: mail.outbox, mailOptions: mail.options, requests, ...options })
  closers.unshift(async () => {
    await api.close()
    await world.stop()
  })
  const { id: credential } = await mail.world.credentials.create(
    { name: 'api', kind: 'api_key', secret: new Secret('CANARY-key'), allowedHosts: ['127.0.0.1'] },
    tester,
  )
  const rest: Omit<Definition, 'email' | 'request'> = {
    failure: { anything: true, statuses: [], codes: [] },
    onError: { retries: 0, retryDelaySeconds: 60, report: null, run: null, continueWith: null },
    next: null,
  }
  return {
    ...world,
    mail,
    api,
    seen,
    on,
    credential,
    request: (input = {}, more = {}) => ({
      ...rest,
      email: null,
      request: {
        credential,
        method: 'GET',
        url: `http://127.0.0.1:${api.port}/things`,
        headers: {},
        query: {},
        body: null,
        keyHeader: null,
        timeoutSeconds: 30,
        maxBytes: 100_000,
        paging: null,
        ...input,
      },
      ...more,
    }),
    email: (input = {}, more = {}) => ({
      ...rest,
      request: null,
      email: {
        sender: null,
        credential: null,
        from: null,
        to: ['bob@example.net'],
        cc: [],
        bcc: [],
        replyTo: null,
        subject: 'Report',
        text: 'All is well.',
        html: null,
        headers: {},
        attachments: [],
        until: 'accepted',
        ...input,
      },
      ...more,
    }),
    make: (name, definition, more = {}) =>
      world.actions.create(
        { name, kind: definition.email === null ? 'http_request' : 'send_email', description: '', paused: more.paused ?? false, definition },
        tester,
      ),
    run: (action, input = {}) => world.runs.run(action, { input, trigger: 'api', wait: true }, tester),
  }
}
