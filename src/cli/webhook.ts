import { Command } from 'commander'
import type { NewWebhook, Webhook } from '../../client/src/operations.ts'
import { noticeEvents, type NoticeEvent } from '../base/notice-events.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { askSecret, collect, readSecretFile } from './input.ts'
import { oneOfThese } from './one-of-these.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { connectService } from './service.ts'

type Options = { urlFile?: string; event?: string[]; json?: boolean; name?: string; enable?: boolean; disable?: boolean }

const readEvents = (given: string[]): NoticeEvent[] => given.map((one) => oneOfThese(one, noticeEvents, '--event'))
const eventOption = ['--event <events>', `what it is told of: ${noticeEvents.join(', ')}; all unless told`] as const
const urlOption = ['--url-file <file>', 'file with the address it is sent to, or - for stdin: an address may hold a secret'] as const

export function webhookCommand(): Command {
  const command = new Command('webhook').description('addresses of programs that are told when something needs a person')
  command.addCommand(
    new Command('list')
      .description('list them')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const page = await connectService().listWebhooks()
        if (options.json) return printJson(page)
        printTable(
          ['NAME', 'TO', 'STATE', 'LAST TOLD', 'OF'],
          page.items.map((item) => [item.name, item.origin, stateOf(item), relative(item.last_success_at), item.events.join(', ')]),
        )
      }),
  )
  command.addCommand(
    new Command('add')
      .description('make one; the secret that its messages are signed with is printed once and never again')
      .argument('<name>')
      .option(...urlOption)
      .option(...eventOption, collect)
      .option('--json', 'print JSON')
      .action(async (name: string, options: Options) => {
        const url = options.urlFile === undefined ? await askSecret('Address', '--url-file') : readSecretFile(options.urlFile)
        const body: NewWebhook = { name, url, events: options.event === undefined ? [...noticeEvents] : readEvents(options.event) }
        const made = await connectService().createWebhook({ body })
        if (options.json) return printJson(made)
        print(made.secret)
        say(`This is the secret of "${made.webhook.name}". Give it to the receiver; it is not shown again.`)
        say(`Try it with: keybearer webhook test ${shellWord(made.webhook.name)}`)
      }),
  )
  command.addCommand(
    new Command('edit')
      .description('change one, or switch it off and on')
      .argument('<name>')
      .option('--name <name>', 'a new name')
      .option(...urlOption)
      .option(eventOption[0], 'what it is told of from now on', collect)
      .option('--enable', 'switch it on')
      .option('--disable', 'switch it off')
      .action(async (name: string, options: Options) => {
        if (options.enable && options.disable) throw new CommandError('--enable and --disable exclude each other.', { exit: exitCodes.usage })
        const changed = await connectService().changeWebhook({
          params: { webhook: name },
          body: {
            ...(options.name === undefined ? {} : { name: options.name }),
            ...(options.urlFile === undefined ? {} : { url: readSecretFile(options.urlFile) }),
            ...(options.event === undefined ? {} : { events: readEvents(options.event) }),
            ...(options.enable || options.disable ? { enabled: options.enable === true } : {}),
          },
        })
        print(`"${changed.name}" is changed. State: ${stateOf(changed)}.`)
      }),
  )
  command.addCommand(
    new Command('test')
      .description('send a test message now')
      .argument('<name>')
      .action(async (name: string) => {
        const { ok, message, milliseconds } = await connectService().testWebhook({ params: { webhook: name }, body: {} })
        if (!ok) throw new CommandError(`"${name}": ${message}`, { exit: exitCodes.failed })
        print(`"${name}" has taken the message, in ${milliseconds} ms.`)
      }),
  )
  command.addCommand(
    new Command('new-secret')
      .description('give one a new secret, printed once; for a day the old one signs as well')
      .argument('<name>')
      .action(async (name: string) => {
        const made = await connectService().renewWebhookSecret({ params: { webhook: name }, body: {} })
        print(made.secret)
        say(`Give it to the receiver within a day. It is not shown again.`)
      }),
  )
  command.addCommand(
    new Command('delete')
      .description('delete one')
      .argument('<name>')
      .action(async (name: string) => {
        await connectService().deleteWebhook({ params: { webhook: name } })
        print(`"${name}" is deleted.`)
      }),
  )
  return command
}

function stateOf(item: Webhook): string {
  if (!item.enabled) return item.disabled_reason === null ? 'off' : `off: ${item.disabled_reason}`
  return item.failing_since === null ? 'on' : `failing since ${relative(item.failing_since)}: ${item.last_error ?? ''}`
}
