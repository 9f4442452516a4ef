import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { randomUUID } from 'node:crypto'
import { Command } from 'commander'
import type { Message, NewMessage } from '../../client/src/operations.ts'
import { stepsOf } from './steps.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { failureMark } from './fail.ts'
import { collect, collectPairs, oneOf, readInput } from './input.ts'
import { print, printJson, say } from './output.ts'
import { connectService } from './service.ts'

type Options = {
  sender?: string
  from?: string
  to?: string[]
  cc?: string[]
  bcc?: string[]
  replyTo?: string
  subject: string
  text?: string
  textFile?: string
  htmlFile?: string
  attach?: string[]
  header?: Record<string, string>
  priority?: 'high' | 'normal' | 'low'
  wait: boolean
  json?: boolean
}

export function sendCommand(): Command {
  return new Command('send')
    .description('send a mail; it is in the outbox when this says so, and waits until the mail server has taken it')
    .option('--sender <name>', 'the sender to use; the default one unless told')
    .option('--from <address>', "another From address than the sender's")
    .option('--to <addresses>', 'recipients', collect)
    .option('--cc <addresses>', 'further recipients', collect)
    .option('--bcc <addresses>', 'recipients that nobody else sees', collect)
    .option('--reply-to <address>')
    .option('--subject <text>', '', '')
    .option('--text <text>', 'the text')
    .option('--text-file <file>', 'file with the text; - for stdin')
    .option('--html-file <file>', 'file with HTML')
    .option('--attach <file>', 'file to attach; may come several times', (file: string, before: string[] | undefined) => [...(before ?? []), file])
    .option('--header <name=value>', 'further header', collectPairs)
    .addOption(oneOf('--priority <priority>', 'what goes first when much waits', ['high', 'normal', 'low']))
    .option('--no-wait', 'do not wait until it is sent')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const client = connectService()
      const accepted = await client.sendMessage({ body: makeMessage(options), idempotencyKey: randomUUID() })
      await tellOutcome(client, accepted, options)
    })
}

function makeMessage(options: Options): NewMessage {
  if ([...(options.to ?? []), ...(options.cc ?? []), ...(options.bcc ?? [])].length === 0) throw new CommandError('--to is needed.', { exit: exitCodes.usage })
  const text =
    options.text ??
    (options.textFile === undefined ? (options.htmlFile === undefined && !process.stdin.isTTY ? readInput('-') : undefined) : readInput(options.textFile))
  if (text === undefined && options.htmlFile === undefined && !options.attach)
    throw new CommandError('--text, --text-file or --html-file is needed.', { exit: exitCodes.usage })
  return {
    to: options.to ?? [],
    subject: options.subject,
    ...(options.sender === undefined ? {} : { sender: options.sender }),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.cc ? { cc: options.cc } : {}),
    ...(options.bcc ? { bcc: options.bcc } : {}),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.replyTo === undefined ? {} : { reply_to: options.replyTo }),
    ...(text === undefined ? {} : { text }),
    ...(options.htmlFile === undefined ? {} : { html: readInput(options.htmlFile) }),
    ...(options.header ? { headers: options.header } : {}),
    ...(options.attach ? { attachments: options.attach.map(readAttachment) } : {}),
  }
}

function readAttachment(file: string): { filename: string; content: string } {
  try {
    return { filename: basename(file), content: readFileSync(file).toString('base64') }
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}.`, { exit: exitCodes.usage })
  }
}

/** Waits until a message is sent or has met a problem, and says what became of it. */
export async function tellOutcome(client: ReturnType<typeof connectService>, accepted: Message, options: { wait: boolean; json?: boolean }): Promise<void> {
  const message = options.wait ? await waitUntilSettled(client, accepted) : accepted
  if (options.json) printJson(message)
  else print(`${message.id} ${message.status}`)
  if (message.problem === null) return
  say(`${failureMark()} ${message.problem.message} ${message.problem.reply ?? ''}`.trim())
  say(`  ${message.problem.next_step}`)
  for (const line of stepsOf(message.problem.diagnosis)) say(line)
  process.exitCode = message.status === 'failed' ? exitCodes.failed : exitCodes.try_later
}

async function waitUntilSettled(client: ReturnType<typeof connectService>, accepted: Message): Promise<Message> {
  for (let i = 0; i < 300; i++) {
    const message = await client.getMessage({ params: { message: accepted.id } })
    if (
      message.status === 'sent' ||
      message.status === 'failed' ||
      message.status === 'cancelled' ||
      (message.status === 'queued' && (message.attempts > 0 || message.problem !== null))
    )
      return message
    await new Promise((done) => setTimeout(done, i < 20 ? 50 : 300))
  }
  return accepted
}
