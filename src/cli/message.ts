import { Command } from 'commander'
import type { Operations } from '../../client/src/operations.ts'
import { oneOf } from './input.ts'
import { print, printJson, printTable, relative } from './output.ts'
import { stepsOf } from './steps.ts'
import { connectService } from './service.ts'

export function messageCommand(): Command {
  const command = new Command('message').description('mails in the outbox')
  command.addCommand(
    new Command('list')
      .description('list them, the newest first')
      .addOption(oneOf('--status <status>', 'only with this status', ['queued', 'sending', 'sent', 'failed', 'cancelled']))
      .option('--json', 'print JSON')
      .action(async (options: { status?: string; json?: boolean }) => {
        const query = (options.status === undefined ? {} : { status: options.status }) as Operations['listMessages']['query']
        const page = await connectService().listMessages({ query })
        if (options.json) return printJson(page)
        printTable(
          ['ID', 'STATUS', 'SENDER', 'TO', 'SUBJECT', 'MADE', 'PROBLEM'],
          page.items.map((item) => [
            item.id,
            item.status,
            item.sender.name,
            item.recipients
              .map((one) => one.address)
              .join(', ')
              .slice(0, 40),
            item.subject.slice(0, 40),
            relative(item.created_at),
            item.problem?.message ?? '',
          ]),
        )
      }),
  )
  command.addCommand(
    new Command('show')
      .description('show what became of one')
      .argument('<id>')
      .option('--json', 'print JSON')
      .action(async (id: string, options: { json?: boolean }) => {
        const item = await connectService().getMessage({ params: { message: id } })
        if (options.json) return printJson(item)
        print(
          `${item.subject}\n${item.status}, ${item.attempts} attempt${item.attempts === 1 ? '' : 's'}, made ${relative(item.created_at)}${item.next_attempt_at === null ? '' : `, next try ${relative(item.next_attempt_at)}`}`,
        )
        for (const one of item.recipients) print(`  ${one.address}: ${one.state}${one.reply === null ? '' : ` (${one.reply})`}`)
        if (item.sent_by !== null && item.sent_by.id !== item.sender.id) print(`Sent by ${item.sent_by.name}, because ${item.sender.name} could not.`)
        if (item.route.length > 1)
          for (const step of item.route)
            print(`  ${relative(step.at)}, ${step.sender.name}: ${step.outcome.replaceAll('_', ' ')}${step.reason === null ? '' : ` (${step.reason})`}`)
        if (item.problem) {
          print(`${item.problem.message}\n${item.problem.next_step}`)
          for (const line of stepsOf(item.problem.diagnosis)) print(line)
        }
      }),
  )
  for (const [name, description] of [
    ['retry', 'try one again now'],
    ['cancel', 'take one that waits out of the outbox'],
  ] as const) {
    command.addCommand(
      new Command(name)
        .description(description)
        .argument('<id>')
        .action(async (id: string) => {
          const client = connectService()
          const item = name === 'retry' ? await client.retryMessage({ params: { message: id } }) : await client.cancelMessage({ params: { message: id } })
          print(`${item.id} ${item.status}`)
        }),
    )
  }
  return command
}
