import { Command } from 'commander'
import type { DetectedProviders, PopularConfiguration, ProviderSummary } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { readInput } from './input.ts'
import { print, printJson, printTable, say } from './output.ts'
import { allPages, connectService } from './service.ts'

type ListOptions = { json?: boolean; for?: string; lookUp?: boolean }

export function providersCommand(): Command {
  const command = new Command('providers')
    .description('list the providers that are known')
    .argument('[search]', 'words of a name, a category or a mail domain')
    .option('--for <address>', 'propose the provider of a mail address')
    .option('--look-up', 'with --for: ask the name servers who takes the mail of its domain')
    .option('--json', 'print JSON')
    .action(async (search: string | undefined, options: ListOptions) => {
      if (options.for !== undefined) return await proposeFor(options.for, options)
      const items = await allPages((cursor) =>
        connectService().listProviders({ query: { limit: 500, ...(search === undefined ? {} : { search }), ...(cursor === undefined ? {} : { cursor }) } }),
      )
      if (options.json) return printJson({ items, next: null })
      printProviders(items)
    })
  command.addCommand(
    new Command('show')
      .description('show one')
      .argument('<id>')
      .action(async (id: string) => printJson(await connectService().getProvider({ params: { provider: id } }))),
  )
  command.addCommand(
    new Command('export')
      .description('print the description of one as a file of the catalogue')
      .argument('<id>')
      .action(async (id: string) => {
        const { description } = await connectService().getProvider({ params: { provider: id } })
        printJson({ $schema: './schema.json', ...withoutEmpty(description) })
      }),
  )
  command.addCommand(
    new Command('add')
      .description('add one of your own, in the form of the catalogue')
      .argument('<file>', 'JSON file; - for stdin')
      .action(async (file: string) => {
        const made = await connectService().createProvider({ body: readDescription(file) })
        print(`"${made.id}" is added.`)
      }),
  )
  command.addCommand(
    new Command('discover')
      .description('find the endpoints of an issuer and print a description')
      .argument('<issuer>')
      .action(async (issuer: string) => {
        const { description, warnings } = await connectService().discoverProvider({ body: { issuer } })
        for (const warning of warnings) process.stderr.write(`! ${warning}\n`)
        printJson(description)
      }),
  )
  command.addCommand(
    new Command('delete')
      .description('delete one of your own')
      .argument('<id>')
      .action(async (id: string) => {
        await connectService().deleteProvider({ params: { provider: id } })
        print(`"${id}" is deleted.`)
      }),
  )
  command.addCommand(
    new Command('popular')
      .description('list client registrations that well-known applications publish')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const found = await connectService().listPopularConfigurations()
        if (options.json) return printJson(found)
        say('Register an application of your own first: these belong to others, and may stop working any day.')
        if (!found.enabled) {
          say('They are switched off. To switch them on: set KEYBEARER_POPULAR_CONFIGURATIONS to true and start the service anew.')
          return
        }
        for (const one of found.items) print(popularText(one))
      }),
  )
  return command
}

const ways = { paste: 'the address is pasted back by hand', device: 'a code is entered on another device' }

function popularText(one: PopularConfiguration): string {
  const facts = [
    ['Consent page shows', one.app],
    ['Publisher says', one.statement],
    ['Provider', one.provider.name],
    ['For', one.purposes.join(', ')],
    ['Scopes', one.scopes.length === 0 ? 'none that are known' : one.scopes.join(' ')],
    ['Comes back to', one.redirect_uri ?? 'nowhere: a code is entered'],
    ['Connected by', one.ways.map((way) => ways[way]).join(', or ')],
    ['Client ID', one.client_id],
    ['Client secret', one.needs_secret ? `needed; look it up at ${one.source}` : 'none'],
    ['Published in', `${one.source} (${one.repository}), seen ${one.seen}`],
  ]
  return [one.id, ...facts.map(([title, value]) => `  ${title!.padEnd(20)} ${value}`), ''].join('\n')
}

async function proposeFor(address: string, options: ListOptions): Promise<void> {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  if (domain === '')
    throw new CommandError('There is no domain in this address.', { exit: exitCodes.usage, nextStep: 'Such as: keybearer providers --for anna@example.org' })
  const found = await connectService().detectProvider({ params: { domain }, query: { look_up: options.lookUp ?? false } })
  if (options.json) return printJson(found)
  if (found.password_mail !== null) return tellPasswordMail(address, found.password_mail)
  if (found.items.length === 0) {
    throw new CommandError(`No provider is known for ${found.domain}.`, {
      exit: exitCodes.no_such_thing,
      nextStep: options.lookUp ? 'Search the list: keybearer providers' : `Ask who takes its mail: keybearer providers --for ${address} --look-up`,
    })
  }
  if (found.items[0]!.by === 'mail_exchanger') say(`The mail of ${found.domain} is handled there:`)
  printProviders(found.items.map(({ provider }) => provider))
}

/** Says what to do where the mail server takes a password and nothing else. */
function tellPasswordMail(address: string, { name, host, port, tls, login, password }: NonNullable<DetectedProviders['password_mail']>): void {
  const local = address.slice(0, address.lastIndexOf('@'))
  // Where only a domain was given, the person writes his own address.
  const user = shellWord(local === '' ? 'YOU' : login === 'local_part' ? local : address)
  say(`${name} knows no OAuth 2.0 for mail: its server takes a user name and a password.`)
  say(
    password === 'app'
      ? 'It takes an app password only: make one in the settings of the account.'
      : 'If it refuses the password of the account, make an app password in the settings of the account.',
  )
  print(`keybearer add mailbox --kind basic --user ${user} --host ${host}`)
  print(`keybearer sender add mailbox --host ${host} --port ${port} --tls ${tls} --credential mailbox --from ${shellWord(address)}`)
}

function printProviders(items: ProviderSummary[]): void {
  printTable(
    ['ID', 'NAME', 'GRANTS', 'NEEDS', 'YOURS'],
    items.map((one) => [
      one.id,
      one.name,
      one.grants.join(', '),
      one.placeholders.length > 2 ? 'its addresses' : one.placeholders.join(', '),
      one.own ? 'yes' : '',
    ]),
  )
}

function readDescription(file: string): never {
  try {
    return JSON.parse(readInput(file)) as never
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} is not JSON.`, { exit: exitCodes.usage })
  }
}

/** Leaves out what says nothing, so that the file reads as somebody would write it. */
function withoutEmpty(description: object): object {
  const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.values(value).every(isEmpty)
  return Object.fromEntries(Object.entries(description).filter(([name, value]) => name !== '$schema' && value !== false && !isEmpty(value)))
}
