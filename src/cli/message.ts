import { Command } from 'commander'
import type { Message, Operations } from '../../client/src/operations.ts'
import { oneOf } from './input.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { stepsOf } from './steps.ts'
import { allPages, connectService } from './service.ts'

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
        for (const entry of item.timeline) print(`  ${relative(entry.at)}: ${wordsOf(entry)}`)
        if (item.problem) {
          print(`${item.problem.message}\n${item.problem.next_step}`)
          for (const line of stepsOf(item.problem.diagnosis)) print(line)
        }
      }),
  )
  command.addCommand(
    new Command('retry')
      .description('try one again now')
      .argument('[id]')
      .option('--failed', 'all that failed')
      .action(async (id: string | undefined, options: { failed?: boolean }) => {
        const client = connectService()
        await forEach(id, options, async (message) => await client.retryMessage({ params: { message } }))
      }),
  )
  command.addCommand(
    new Command('resend')
      .description('send one through another sender, to everybody who does not have it yet')
      .argument('[id]')
      .requiredOption('--sender <name>', 'the other sender')
      .option('--failed', 'all that failed')
      .action(async (id: string | undefined, options: { sender: string; failed?: boolean }) => {
        const client = connectService()
        await forEach(id, options, async (message) => await client.resendMessage({ params: { message }, body: { sender: options.sender } }))
      }),
  )
  command.addCommand(
    new Command('cancel')
      .description('take one that waits out of the outbox')
      .argument('<id>')
      .action(async (id: string) => {
        const item = await connectService().cancelMessage({ params: { message: id } })
        print(`${item.id} ${item.status}`)
      }),
  )
  return command
}

/** Does it with the message that is named, or with every one that failed; one of those that cannot be helped stops no other. */
async function forEach(id: string | undefined, options: { failed?: boolean }, work: (message: string) => Promise<Message>): Promise<void> {
  if ((id === undefined) === (options.failed !== true)) throw new CommandError('Name a message, or all that failed with --failed.', { exit: exitCodes.usage })
  if (id !== undefined) {
    const item = await work(id)
    return print(`${item.id} ${item.status}`)
  }
  const client = connectService()
  const failed = await allPages((cursor) => client.listMessages({ query: { status: 'failed', limit: 500, ...(cursor === undefined ? {} : { cursor }) } }))
  for (const one of failed) {
    try {
      const item = await work(one.id)
      print(`${item.id} ${item.status}`)
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      if (code !== 'message_not_cancellable' && code !== 'decrypt_failed') throw error
      say(`${one.id}: ${message}`)
      process.exitCode = exitCodes.failed
    }
  }
}

/** Says in words what happened to a message. */
function wordsOf({ what, sender, outcome, reason, reply, times }: Message['timeline'][number]): string {
  const because = reason === null ? '' : ` (${reason})`
  if (what === 'accepted') return 'taken into the outbox'
  if (what === 'sent') return 'sent to everybody'
  if (what === 'resent') return `sent on through ${sender?.name ?? '?'}`
  if (what !== 'tried') return `${what}${because}`
  return `${sender?.name ?? '?'}: ${(outcome ?? '').replaceAll('_', ' ')}${because}${times > 1 ? `, ${times} times` : ''}${reply === null ? '' : `: ${reply}`}`
}
