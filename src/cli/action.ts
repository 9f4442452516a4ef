import { Command } from 'commander'
import type { Action, ActionChange, ActionRun, NewAction, RanAction } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { scheduleCommand, webhookCommand } from './action-triggers.ts'
import { CommandError } from './connection.ts'
import { failureMark } from './fail.ts'
import { previewLines } from './action-preview.ts'
import { readObject } from './input.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { allPages, connectService } from './service.ts'

export function actionCommand(): Command {
  const command = new Command('action').description('saved mails and HTTP requests that are run by name')
  for (const one of [list(), show(), create(), edit(), remove(), preview(), runOne(), runs(), scheduleCommand(), webhookCommand()]) command.addCommand(one)
  return command
}

function list(): Command {
  return new Command('list')
    .description('list those that you may run')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const client = connectService()
      const items = await allPages((cursor) => client.listActions({ query: cursor === undefined ? {} : { cursor } }))
      if (options.json) return printJson({ items, next: null })
      printTable(
        ['NAME', 'KIND', 'USES', 'INPUT', 'LAST RUN'],
        items.map((item) => [
          item.paused ? `${item.name} (paused)` : item.name,
          item.kind.replace('_', ' '),
          item.credential?.name ?? item.sender?.name ?? 'default sender',
          item.inputs.join(', '),
          item.last_run === null ? 'never' : `${item.last_run.status} ${relative(item.last_run.created_at)}`,
        ]),
      )
    })
}

function show(): Command {
  return new Command('show')
    .description('show one, in the form that "create" and "edit" take with --json')
    .argument('<name>')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const item = await connectService().getAction({ params: { action: name } })
      if (options.json) return printJson(toInput(item))
      const lines: [string, string][] = [
        ['Name', item.name],
        ['Kind', item.kind.replace('_', ' ')],
        ['Description', item.description],
        ['Uses', item.credential?.name ?? item.sender?.name ?? 'the default sender'],
        ['Input', item.inputs.join(', ') || 'none'],
        ['Paused', item.paused ? 'yes' : 'no'],
        ['Schedule', scheduleWords(item)],
        ['Webhook', item.webhook?.url ?? ''],
        ['Next', item.next?.name ?? ''],
        ['On error', onErrorWords(item)],
        ['Last run', item.last_run === null ? 'never' : runWords(item.last_run)],
      ]
      for (const [label, value] of lines) if (value !== '') print(`${label.padEnd(12)} ${value}`)
      if (item.request) print(`${'Sends'.padEnd(12)} ${item.request.method} ${item.request.url}`)
      if (item.email) print(`${'Sends'.padEnd(12)} "${item.email.subject}" to ${[...item.email.to, ...item.email.cc, ...item.email.bcc].join(', ')}`)
    })
}

function create(): Command {
  return new Command('create')
    .description('make one from JSON; docs/guide/actions.md shows what it looks like')
    .argument('<name>')
    .option('--file <file>', 'file with the JSON; - for stdin', '-')
    .action(async (name: string, options: { file: string }) => {
      const made = await connectService().createAction({ body: { ...(readObject(options.file) as NewAction), name } })
      print(`"${made.name}" is made. Run it with: keybearer action run ${shellWord(made.name)}`)
    })
}

function edit(): Command {
  return new Command('edit')
    .description('change one; only what the JSON or an option names changes')
    .argument('<name>')
    .option('--file <file>', 'file with the JSON; - for stdin')
    .option('--name <name>', 'a new name')
    .option('--pause', 'it is not run until it is resumed')
    .option('--resume', 'it is run again')
    .action(async (name: string, options: { file?: string; name?: string; pause?: boolean; resume?: boolean }) => {
      if (options.pause && options.resume) throw new CommandError('Only one of --pause and --resume can be given.', { exit: exitCodes.usage })
      const body: ActionChange = {
        ...(options.file === undefined ? {} : withoutKind(readObject(options.file))),
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.pause ? { paused: true } : options.resume ? { paused: false } : {}),
      }
      if (Object.keys(body).length === 0)
        throw new CommandError('Nothing to change was named.', { exit: exitCodes.usage, nextStep: 'See "keybearer action edit --help".' })
      const client = connectService()
      const before = await client.getAction({ params: { action: name } })
      const after = await client.changeAction({ params: { action: name }, body, ifMatch: `"r${before.revision}"` })
      print(`"${after.name}" is changed${after.paused ? ', and paused' : ''}.`)
    })
}

function remove(): Command {
  return new Command('delete')
    .description('delete one; its runs stay in the list')
    .argument('<name>')
    .action(async (name: string) => {
      await connectService().deleteAction({ params: { action: name } })
      print(`"${name}" is deleted.`)
    })
}

function preview(): Command {
  return new Command('preview')
    .description('show what one would send with some input; nothing is sent')
    .argument('[name]', 'a saved one; without it, --file says all')
    .option('--input <file>', 'file with a JSON object, whose fields texts name as input.…; - for stdin')
    .option('--previous <file>', 'file with a JSON object, which texts name as previous.…')
    .option('--file <file>', 'file with the JSON of an action, to see it before it is saved; - for stdin')
    .option('--html', 'print the HTML of the mail alone')
    .option('--json', 'print JSON')
    .action(async (name: string | undefined, options: { input?: string; previous?: string; file?: string; html?: boolean; json?: boolean }) => {
      if (name === undefined && options.file === undefined)
        throw new CommandError('Which action is not said.', { exit: exitCodes.usage, nextStep: 'Name a saved one, or give --file.' })
      const { email, request } = (options.file === undefined ? {} : readObject(options.file)) as Partial<NewAction>
      const shown = await connectService().previewAction({
        body: {
          ...(name === undefined ? {} : { action: name }),
          ...(email == null ? {} : { email }),
          ...(request == null ? {} : { request }),
          ...(options.input === undefined ? {} : { input: readObject(options.input) }),
          ...(options.previous === undefined ? {} : { previous: readObject(options.previous) }),
        },
      })
      if (options.json) return printJson(shown)
      if (options.html) return print(shown.email?.html ?? '')
      for (const line of previewLines(shown)) print(line)
    })
}

function runOne(): Command {
  return new Command('run')
    .description('run one with what it leads to; prints the body of the answer, or where the message is')
    .argument('<name>')
    .option('--input <file>', 'file with a JSON object, whose fields texts name as input.…; - for stdin')
    .option('--no-wait', 'do not wait for the outcome: it is done in the background')
    .option('--json', 'print the whole outcome as JSON')
    .action(async (name: string, options: { input?: string; wait: boolean; json?: boolean }) => {
      const input = options.input === undefined ? {} : readObject(options.input)
      const ran = await connectService().runAction({ params: { action: name }, body: { input, wait: options.wait } })
      tell(ran, options)
    })
}

function runs(): Command {
  return new Command('runs')
    .description('list the last runs of the actions that you may run')
    .option('--action <name>', 'only of this one')
    .option('--status <status>', 'only these: queued, running, waiting, done, failed or interrupted')
    .option('--json', 'print JSON')
    .action(async (options: { action?: string; status?: ActionRun['status']; json?: boolean }) => {
      const query = { ...(options.action === undefined ? {} : { action: options.action }), ...(options.status === undefined ? {} : { status: options.status }) }
      const page = await connectService().listActionRuns({ query })
      if (options.json) return printJson(page)
      printTable(
        ['WHEN', 'ACTION', 'STATUS', 'BY', 'INPUT', 'WHAT HAPPENED'],
        page.items.map((item) => [
          relative(item.created_at),
          item.action.name,
          item.status,
          item.trigger === 'action' ? 'another action' : item.ordered_by.name,
          item.input_names.join(', '),
          item.problem?.message ?? (item.response_status === null ? (item.message ?? '') : `status ${item.response_status}`),
        ]),
      )
    })
}

function tell(ran: RanAction, options: { wait: boolean; json?: boolean }): void {
  const { outcome, result } = ran
  if (options.json) printJson(ran)
  else if (result?.body != null) process.stdout.write(Buffer.from(result.body, result.body_encoding === 'base64' ? 'base64' : 'utf8'))
  else if (result?.message) print(result.message.id)
  if (outcome === 'done') return
  if (outcome === 'queued' || outcome === 'running' || outcome === 'waiting') {
    say(`The run ${ran.run.id} ${outcome === 'waiting' ? `waits for its next attempt ${relative(ran.run.next_attempt_at)}` : 'is done in the background'}.`)
    if (options.wait) process.exitCode = exitCodes.try_later
    return
  }
  const failed = [ran.run, ...ran.followed].filter((one) => !one.aside && one.problem !== null).at(-1)
  say(`${failureMark()} ${failed?.problem?.message ?? `The run was ${outcome}.`}`)
  if (failed?.problem) say(`  ${failed.problem.next_step}`)
  process.exitCode = exitCodes.failed
}

/** An action stays of the kind that it is. */
const withoutKind = (fields: Record<string, unknown>): ActionChange => Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'kind'))

/** Returns an action as it is made: with names in the place of what they name, and without what it came to. */
function toInput(item: Action): Record<string, unknown> {
  const { kind, description, paused, email, request, failure, on_error: onError, next } = item
  const name = (one: { name: string } | null | undefined) => one?.name ?? null
  return {
    kind,
    description,
    paused,
    ...(email ? { email: { ...email, sender: name(email.sender), credential: name(email.credential) } } : {}),
    ...(request ? { request: { ...request, credential: name(request.credential) } } : {}),
    ...(failure ? { failure } : {}),
    ...(onError ? { on_error: { ...onError, run: name(onError.run), continue_with: name(onError.continue_with) } } : {}),
    ...(next === undefined ? {} : { next: name(next) }),
  }
}

function onErrorWords({ on_error: onError }: Action): string {
  if (!onError) return ''
  const parts = [
    onError.retries > 0 ? `try again ${onError.retries} times, every ${onError.retry_delay_seconds} s` : null,
    onError.report ? `mail ${onError.report.to.join(', ') || 'those whom the email options name'}` : null,
    onError.run ? `run "${onError.run.name}"` : null,
    onError.continue_with ? `go on with "${onError.continue_with.name}"` : 'stop',
  ]
  return parts.filter((part) => part !== null).join('; ')
}

const runWords = (run: ActionRun): string => `${run.status} ${relative(run.created_at)}${run.problem ? `: ${run.problem.message}` : ''}`

function scheduleWords({ schedule }: Action): string {
  if (schedule === null) return ''
  return `${schedule.cron} (${schedule.time_zone}), ${schedule.enabled ? `next ${relative(schedule.next_due_at)}` : 'switched off'}`
}
