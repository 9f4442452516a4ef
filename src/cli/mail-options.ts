import { Command } from 'commander'
import type { MailOptions, NewMailOptions } from '../../client/src/operations.ts'
import { noticeEvents, type NoticeEvent } from '../base/notice-events.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { collect, oneOf } from './input.ts'
import { oneOfThese } from './one-of-these.ts'
import { print, printJson } from './output.ts'
import { connectService } from './service.ts'

const causes = ['unreachable', 'refused', 'credential_not_ready'] as const
type Cause = (typeof causes)[number]

type Options = {
  default?: string
  fallback?: string[] | false
  notify?: string[] | false
  event?: string[]
  daily?: string
  atOnce?: boolean
  reminders?: string
  json?: boolean
}

export function mailOptionsCommand(): Command {
  return new Command('options')
    .description('show the email options, or change those that are given: the default sender, its fallbacks, who is told by mail')
    .option('--default <name>', 'the sender of all mail that names none')
    .option('--fallback <name[=causes]>', `stands in for it, in the order given; causes with +: ${causes.join(', ')}; all unless told`, collectOne)
    .option('--no-fallback', 'no fallbacks')
    .option('--notify <addresses>', 'mail addresses that are told when a credential needs a person', collect)
    .option('--no-notify', 'tell nobody')
    .option('--event <events>', `what they are told of: ${noticeEvents.join(', ')}`, collect)
    .option('--daily <hour[@zone]>', 'one mail a day with everything, such as 7@Europe/Berlin; in UTC unless told')
    .option('--at-once', 'each mail at once')
    .addOption(oneOf('--reminders <choice>', 'whether what does not work is named again every day', ['on', 'off']))
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const client = connectService()
      const before = await client.getMailOptions()
      const change = changed(before, options)
      const after = change === null ? before : await client.setMailOptions({ body: change })
      if (options.json) printJson(after)
      else printOptions(after)
    })
}

/** Each `--fallback` is one: a comma may stand in a name. */
const collectOne = (value: string, before: string[] | boolean | undefined): string[] => [...(Array.isArray(before) ? before : []), value]

function changed(before: MailOptions, options: Options): NewMailOptions | null {
  const { fallback, notify, event, daily, atOnce, reminders } = options
  const isAsked = [options.default, event, daily, atOnce, reminders].some((one) => one !== undefined)
  if (!isAsked && !given(fallback) && !given(notify)) return null
  if (daily !== undefined && atOnce) throw new CommandError('--daily and --at-once exclude each other.', { exit: exitCodes.usage })
  const to = notify === false ? [] : Array.isArray(notify) ? notify : before.notify.to
  // Whoever names the first address wants to be told of what needs a person.
  const usual: NoticeEvent[] =
    before.notify.events.length > 0 || to.length === 0 ? before.notify.events : noticeEvents.filter((word) => word !== 'credential.recovered')
  return {
    default_sender: options.default ?? before.default_sender?.id ?? null,
    fallbacks:
      fallback === false
        ? []
        : Array.isArray(fallback)
          ? fallback.map(readFallback)
          : before.fallbacks.map((one) => ({ sender: one.sender.id, when: one.when })),
    notify: {
      to,
      events: event === undefined ? usual : event.map((one) => oneOfThese(one, noticeEvents, '--event')),
      daily: atOnce ? null : daily === undefined ? before.notify.daily : readDaily(daily),
      reminders: reminders === undefined ? before.notify.reminders : reminders === 'on',
    },
  }
}

/** Without `--no-…` the option is `true` when it was not given at all. */
const given = (value: string[] | boolean | undefined): boolean => value === false || Array.isArray(value)

function readFallback(text: string): NewMailOptions['fallbacks'][number] {
  const at = text.lastIndexOf('=')
  if (at === -1) return { sender: text, when: [...causes] }
  return {
    sender: text.slice(0, at),
    when: text
      .slice(at + 1)
      .split('+')
      .map((one): Cause => oneOfThese(one.trim(), causes, '--fallback')),
  }
}

function readDaily(text: string): NonNullable<MailOptions['notify']['daily']> {
  const [, hour, zone = 'UTC'] = /^(\d{1,2})(?:@(.+))?$/.exec(text) ?? []
  if (hour === undefined || Number(hour) > 23) throw new CommandError('--daily must be an hour such as 7 or 7@Europe/Berlin.', { exit: exitCodes.usage })
  return { hour: Number(hour), time_zone: zone }
}

function printOptions(options: MailOptions): void {
  print(`Default sender  ${options.default_sender?.name ?? 'none'}`)
  if (options.fallbacks.length === 0) print('Fallbacks       none')
  for (const [i, { sender, when }] of options.fallbacks.entries())
    print(`${i === 0 ? 'Fallbacks      ' : '               '} ${sender.name}: when ${when.join(', ')}`)
  const { to, events: told, daily, reminders } = options.notify
  print(`Notify          ${to.length === 0 ? 'nobody' : `${to.join(', ')} of ${told.length === 0 ? 'nothing' : told.join(', ')}`}`)
  if (to.length === 0) return
  print(
    `By mail         ${daily === null ? 'at once' : `once a day from ${daily.hour}:00 on (${daily.time_zone})`}, ${reminders ? 'again every day until it is put right' : 'once each'}`,
  )
}
