import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { oneOf, readObject } from './input.ts'
import { print, printJson, relative, say } from './output.ts'
import { connectService } from './service.ts'

type ScheduleOptions = {
  cron?: string
  timeZone?: string
  missed?: 'skip' | 'run_once'
  input?: string
  off?: boolean
  on?: boolean
  remove?: boolean
  json?: boolean
}

export function scheduleCommand(): Command {
  return new Command('schedule')
    .description('let an action be run by itself at certain times; without an option, show when')
    .argument('<name>')
    .option('--cron <times>', 'minute, hour, day, month and weekday, such as "0 7 * * 1-5"')
    .option('--time-zone <zone>', "such as Europe/Berlin; this machine's unless told")
    .addOption(oneOf('--missed <rule>', 'what is done about times at which the service did not run; skip unless told', ['skip', 'run_once']))
    .option('--input <file>', 'file with the input of its runs, a JSON object; - for stdin')
    .option('--off', 'switch it off, and keep it')
    .option('--on', 'switch it on')
    .option('--remove', 'remove it')
    .option('--json', 'print JSON')
    .action(async (name: string, options: ScheduleOptions) => {
      const client = connectService()
      const params = { action: name }
      if (options.remove) {
        await client.removeActionSchedule({ params })
        return print(`"${name}" has no schedule any more.`)
      }
      const { schedule: before } = await client.getAction({ params })
      const isChange = [options.cron, options.timeZone, options.missed, options.input, options.off, options.on].some((option) => option !== undefined)
      const cron = options.cron ?? before?.cron
      if (cron === undefined)
        throw new CommandError(`"${name}" has no schedule.`, { exit: exitCodes.no_such_thing, nextStep: 'Give it one with --cron "0 7 * * *".' })
      const after = !isChange
        ? before!
        : await client.setActionSchedule({
            params,
            body: {
              cron,
              time_zone: options.timeZone ?? before?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
              missed: options.missed ?? before?.missed ?? 'skip',
              input: options.input === undefined ? (before?.input ?? {}) : readObject(options.input),
              enabled: options.off ? false : options.on ? true : (before?.enabled ?? true),
            },
          })
      if (options.json) return printJson(after)
      print(`${after.cron} (${after.time_zone}), ${after.enabled ? `next ${after.next_due_at} (${relative(after.next_due_at)})` : 'switched off'}`)
    })
}

export function webhookCommand(): Command {
  return new Command('webhook')
    .description('make an address at which others run an action by a signed call; prints the address, and the secret once')
    .argument('<name>')
    .option('--remove', 'end the address')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { remove?: boolean; json?: boolean }) => {
      const client = connectService()
      const params = { action: name }
      if (options.remove) {
        await client.removeActionWebhook({ params })
        return print(`"${name}" has no webhook any more.`)
      }
      const made = await client.makeActionWebhook({ params })
      if (options.json) return printJson(made)
      print(made.webhook.url)
      print(made.secret)
      say(
        `The second line is the secret with which calls are signed (Standard Webhooks). It is not shown again; an older address of ${shellWord(name)} has ended.`,
      )
    })
}
