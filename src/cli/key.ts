import { Command } from 'commander'
import type { AccessKey, NewAccessKey, Permission } from '../../client/src/operations.ts'
import { systemClock } from '../base/clock.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { collect, readNumber } from './input.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { allPages, connectService } from './service.ts'

type LimitOptions = { mailsPerHour?: number; recipientsPerMail?: number; bytesPerMail?: number }
type Options = {
  credential?: string[]
  right?: string[]
  administer?: string[]
  action?: string[]
  network?: string[]
  expires?: string
  deliveryLink?: boolean
  json?: boolean
} & LimitOptions

export function keyCommand(): Command {
  const command = new Command('key').description('access keys: what automations call Keybearer with')
  command.addCommand(
    new Command('list')
      .description('list them')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const client = connectService()
        const page = await client.listAccessKeys()
        if (options.json) return printJson(page)
        const credentials = await allPages((cursor) => client.listCredentials({ query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) } })).catch(
          () => [],
        )
        const names = new Map(credentials.map((one) => [one.id, one.name]))
        printTable(
          ['NAME', 'KEY', 'MAY', 'LAST USED', 'UNTIL'],
          page.items.map((item) => [
            item.name,
            item.delivery?.status === 'waiting' ? 'not fetched yet' : item.delivery?.status === 'expired' ? 'never fetched' : `${item.hint}…`,
            [
              ...item.permissions.map((one) => `${one.credential === '*' ? 'all' : (names.get(one.credential) ?? one.credential)}: ${one.rights.join('+')}`),
              ...item.administration,
              ...(item.actions.length === 0 ? [] : [item.actions[0] === '*' ? 'run all actions' : `run ${item.actions.length} actions`]),
            ].join(', '),
            item.last_used_at === null ? 'never' : `${relative(item.last_used_at)}${item.last_used_from === null ? '' : ` from ${item.last_used_from}`}`,
            endOf(item),
          ]),
        )
      }),
  )
  command.addCommand(
    new Command('create')
      .description('make one; it is printed once and never again')
      .argument('<name>', 'who will use it, such as backup-job')
      .option('--credential <names>', 'credentials it may use; all for every one', collect)
      .option('--right <rights>', 'what it may do with them: token, mail, request, read', collect)
      .option('--administer <what>', 'manage, keys, audit', collect)
      .option('--action <names>', 'saved actions it may run; all for every one', collect)
      .option('--network <networks>', 'only from these networks, such as 192.0.2.0/24', collect)
      .option('--mails-per-hour <number>', 'most mails that it may send in an hour', readNumber)
      .option('--recipients-per-mail <number>', 'most recipients of one mail', readNumber)
      .option('--bytes-per-mail <number>', 'largest mail in bytes', readNumber)
      .option('--expires <when>', 'a date, or days such as 90d')
      .option('--delivery-link', 'do not show it: print a link by which one machine gets it, once, within the hour')
      .option('--json', 'print JSON')
      .action(async (name: string, options: Options) => {
        const client = connectService()
        const rights = (options.right ?? ['token', 'read']) as Permission['rights']
        const permissions: Permission[] = []
        for (const credential of options.credential ?? []) {
          permissions.push({ credential: credential === 'all' ? '*' : (await client.getCredential({ params: { credential } })).id, rights })
        }
        const made = await client.createAccessKey({
          body: {
            name,
            permissions,
            ...(options.administer ? { administration: options.administer as NonNullable<NewAccessKey['administration']> } : {}),
            ...(options.action ? { actions: options.action.map((one) => (one === 'all' ? '*' : one)) } : {}),
            ...(options.network ? { networks: options.network } : {}),
            ...limitsOf(options),
            ...(options.expires === undefined ? {} : { expires_at: readEnd(options.expires) }),
            ...(options.deliveryLink ? { delivery_link: true } : {}),
          },
        })
        if (options.json) return printJson(made)
        if (made.delivery !== null) {
          print(made.delivery.link)
          return say(
            `On the machine that needs the key, within the hour:\n\n  (umask 077; ${made.delivery.command} > access-key)\n\nOr open the link in a browser. It works once; whoever opens it a second time is refused, and an alarm is raised.`,
          )
        }
        print(made.key ?? '')
        say(
          `This is the key of "${name}". It is not shown again: keep it where only that program can read it, such as a file of mode 600 named by KEYBEARER_ACCESS_KEY_FILE.`,
        )
      }),
  )
  command.addCommand(
    new Command('resume')
      .description('keep one that nobody uses, and let it count again if it was stopped for that')
      .argument('<name>')
      .action(async (name: string) => {
        await connectService().resumeAccessKey({ params: { access_key: name }, body: {} })
        print(`"${name}" counts.`)
      }),
  )
  command.addCommand(
    new Command('revoke')
      .description('end one at once')
      .argument('<name>')
      .action(async (name: string) => {
        await connectService().revokeAccessKey({ params: { access_key: name } })
        print(`"${name}" is revoked.`)
      }),
  )
  return command
}

function limitsOf({ mailsPerHour, recipientsPerMail, bytesPerMail }: LimitOptions): Pick<NewAccessKey, 'mail_limits'> {
  if (mailsPerHour === undefined && recipientsPerMail === undefined && bytesPerMail === undefined) return {}
  return {
    mail_limits: {
      ...(mailsPerHour === undefined ? {} : { messages_per_hour: mailsPerHour }),
      ...(recipientsPerMail === undefined ? {} : { recipients_per_message: recipientsPerMail }),
      ...(bytesPerMail === undefined ? {} : { bytes_per_message: bytesPerMail }),
    },
  }
}

function readEnd(text: string): string {
  const days = /^(\d{1,5})d$/.exec(text)
  const time = days ? systemClock.now() + Number(days[1]) * 86_400_000 : Date.parse(text)
  if (Number.isNaN(time)) throw new CommandError(`--expires ${text} is neither a date nor a number of days such as 90d.`, { exit: exitCodes.usage })
  return new Date(time).toISOString()
}

function endOf({ revoked_at, stopped_at, expires_at }: AccessKey): string {
  if (revoked_at !== null) return `revoked ${relative(revoked_at)}`
  if (stopped_at !== null) return `stopped ${relative(stopped_at)}: nobody used it`
  return expires_at === null ? 'no end' : relative(expires_at)
}
