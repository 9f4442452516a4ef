import { Command } from 'commander'
import { shellWord } from '../base/shell-word.ts'
import type { NewSender, SenderChange } from '../../client/src/operations.ts'
import { collect, oneOf, readInput, readNumber } from './input.ts'
import { mailOptionsCommand } from './mail-options.ts'
import { print, printJson, printTable } from './output.ts'
import { tellOutcome } from './send.ts'
import { connectService } from './service.ts'

type Options = {
  kind?: NewSender['kind']
  host?: string
  port?: number
  tls?: NewSender['tls']
  mechanism?: NewSender['mechanism']
  credential?: string
  login?: string
  from?: string
  fromName?: string
  takesFrom?: string[]
  foreignFrom?: NonNullable<NewSender['foreign_from']> | 'setting'
  caFile?: string
  default?: boolean
  name?: string
}

const fields = (options: Options): SenderChange => ({
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.host === undefined ? {} : { host: options.host }),
  ...(options.port === undefined ? {} : { port: options.port }),
  ...(options.tls ? { tls: options.tls } : {}),
  ...(options.mechanism ? { mechanism: options.mechanism } : {}),
  ...(options.credential === undefined ? {} : { credential: options.credential }),
  ...(options.login === undefined ? {} : { login: options.login }),
  ...(options.from === undefined ? {} : { from: options.from }),
  ...(options.fromName === undefined ? {} : { from_name: options.fromName }),
  ...(options.takesFrom === undefined ? {} : { takes_from: options.takesFrom.includes('domain') ? null : options.takesFrom }),
  ...(options.foreignFrom === undefined ? {} : { foreign_from: options.foreignFrom === 'setting' ? null : options.foreignFrom }),
  ...(options.caFile === undefined ? {} : { ca: readInput(options.caFile) }),
  ...(options.default ? { is_default: true } : {}),
})

const withFields = (command: Command): Command =>
  command
    .option('--host <host>', 'mail server; for an API it is known from the provider')
    .option('--port <port>', '443 for an API; 465 for implicit TLS, otherwise 587', readNumber)
    .addOption(oneOf('--tls <tls>', 'how the connection is encrypted; none is for loopback only', ['starttls', 'implicit', 'none']))
    .addOption(oneOf('--mechanism <mechanism>', 'how to log in', ['auto', 'XOAUTH2', 'OAUTHBEARER', 'PLAIN', 'LOGIN', 'none']))
    .option('--credential <name>', 'credential to log in with')
    .option('--login <mailbox>', 'log in as this account, or through an API: send from this mailbox; where it is another one than From')
    .option('--from <address>', 'address to send as')
    .option('--from-name <name>')
    .option(
      '--takes-from <addresses>',
      'finished mail of which From goes through it, beside its own: addresses, @example.org, * for any; "domain": its own',
      collect,
    )
    .addOption(
      oneOf('--foreign-from <rule>', 'what becomes of finished mail with another From; "setting": as KEYBEARER_RELAY_FROM says', [
        'refuse',
        'rewrite',
        'keep',
        'setting',
      ]),
    )
    .option('--ca-file <file>', 'PEM file of an own certificate authority')
    .option('--default', 'make it the default sender')

export function senderCommand(): Command {
  const command = new Command('sender').description('ways to send mail')
  command.addCommand(
    new Command('list')
      .description('list them')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const { items } = await connectService().listSenders()
        if (options.json) return printJson({ items, next: null })
        printTable(
          ['NAME', 'KIND', 'SERVER', 'TLS', 'FROM', 'CREDENTIAL', 'DEFAULT'],
          items.map((item) => [
            item.name,
            item.kind,
            `${item.host}:${item.port}`,
            item.tls,
            item.from,
            item.credential?.name ?? '–',
            item.is_default ? 'yes' : '',
          ]),
        )
      }),
  )
  command.addCommand(
    new Command('show')
      .description('show one')
      .argument('<name>')
      .option('--json', 'print JSON')
      .action(async (name: string, options: { json?: boolean }) => {
        const item = await connectService().getSender({ params: { sender: name } })
        if (options.json) return printJson(item)
        for (const [label, value] of [
          ['Name', item.name],
          ['Kind', item.kind],
          ['Server', `${item.host}:${item.port}, ${item.tls}`],
          ['Login', item.login ?? 'the account of the credential'],
          ['Mechanism', item.mechanism],
          ['From', item.from],
          ['Also takes', item.takes_from === null ? 'any address of its domain' : item.takes_from.join(', ')],
          ['Other From', item.foreign_from ?? 'as KEYBEARER_RELAY_FROM says'],
          ['Credential', item.credential?.name ?? 'none'],
          ['Default', item.is_default ? 'yes' : 'no'],
        ] as const)
          print(`${label.padEnd(12)} ${value}`)
      }),
  )
  command.addCommand(
    withFields(
      new Command('add')
        .description('make one')
        .argument('<name>')
        .addOption(oneOf('--kind <kind>', 'smtp, or the API of Microsoft (graph) or Google (gmail)', ['smtp', 'graph', 'gmail'])),
    ).action(async (name: string, options: Options) => {
      const made = await connectService().createSender({ body: { ...fields(options), ...(options.kind ? { kind: options.kind } : {}), name } as NewSender })
      print(`"${made.name}" is made. Try it with: keybearer sender test ${shellWord(made.name)} --to you@example.org`)
    }),
  )
  command.addCommand(
    withFields(new Command('edit').description('change one').argument('<name>').option('--name <name>', 'a new name')).action(
      async (name: string, options: Options) => {
        const made = await connectService().changeSender({ params: { sender: name }, body: fields(options) })
        print(`"${made.name}" is changed.`)
      },
    ),
  )
  command.addCommand(
    new Command('test')
      .description('send a test message, and wait until the mail server has taken it')
      .argument('<name>')
      .requiredOption('--to <address>')
      .option('--no-wait', 'do not wait until it is sent')
      .option('--json', 'print JSON')
      .action(async (name: string, options: { to: string; wait: boolean; json?: boolean }) => {
        const client = connectService()
        const { message } = await client.testSender({ params: { sender: name }, body: { to: options.to } })
        await tellOutcome(client, message, options)
      }),
  )
  command.addCommand(
    new Command('delete')
      .description('delete one')
      .argument('<name>')
      .action(async (name: string) => {
        await connectService().deleteSender({ params: { sender: name } })
        print(`"${name}" is deleted.`)
      }),
  )
  command.addCommand(mailOptionsCommand())
  return command
}
