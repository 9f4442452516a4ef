import { Command } from 'commander'
import { systemClock } from '../base/clock.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { readDate, readNumber } from './input.ts'
import { print } from './output.ts'
import { connectService } from './service.ts'

const day = 86_400_000

export function snoozeCommand(): Command {
  return new Command('snooze')
    .description('have nobody told of a credential until a day; it ends by itself when the credential works again')
    .argument('<name>')
    .option('--days <days>', 'for so many days', readNumber)
    .option('--until <date>', 'until this date', readDate)
    .option('--end', 'tell of it again')
    .action(async (credential: string, options: { days?: number; until?: string; end?: boolean }) => {
      const given = [options.days, options.until, options.end].filter((one) => one !== undefined)
      if (given.length !== 1) throw new CommandError('Name one of --days, --until and --end.', { exit: exitCodes.usage })
      const until = options.end ? null : (options.until ?? new Date(systemClock.now() + options.days! * day).toISOString())
      const view = await connectService().snoozeCredential({ params: { credential }, body: { until } })
      print(
        view.snoozed_until === null
          ? `"${view.name}" is told of again.`
          : `Nobody is told of "${view.name}" until ${view.snoozed_until.slice(0, 16).replace('T', ' ')} UTC.`,
      )
    })
}
