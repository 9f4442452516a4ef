import { Command } from 'commander'
import type { NewRegistration, ProviderUpdate, RegistrationChange } from '../../client/src/operations.ts'
import type { Client } from '../../client/src/client.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { collectPairs, oneOf, readDate, readInput, readSecretFile } from './input.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { allPages, connectService } from './service.ts'

type Options = {
  provider: string
  clientId: string
  name?: string
  clientAuth?: NewRegistration['client_auth']
  clientSecretFile?: string
  privateKeyFile?: string
  privateKeyId?: string
  certificateFile?: string
  placeholder?: Record<string, string>
  secretExpires?: string
  json?: boolean
}

const fields = (options: Omit<Partial<Options>, 'json'>): RegistrationChange => ({
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.clientId === undefined ? {} : { client_id: options.clientId }),
  ...(options.clientAuth ? { client_auth: options.clientAuth } : {}),
  ...(options.placeholder ? { placeholders: options.placeholder } : {}),
  ...(options.clientSecretFile === undefined ? {} : { client_secret: readSecretFile(options.clientSecretFile) }),
  ...(options.privateKeyFile === undefined ? {} : { private_key: readInput(options.privateKeyFile) }),
  ...(options.privateKeyId === undefined ? {} : { private_key_id: options.privateKeyId }),
  ...(options.certificateFile === undefined ? {} : { certificate: readInput(options.certificateFile) }),
  ...(options.secretExpires === undefined ? {} : { secret_expires_at: options.secretExpires }),
})

const withFields = (command: Command): Command =>
  command
    .addOption(oneOf('--client-auth <method>', 'how the client proves itself', ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']))
    .option('--client-secret-file <file>', 'file with the client secret; - for stdin')
    .option('--private-key-file <file>', 'PEM file with the private key; - for stdin')
    .option('--private-key-id <kid>')
    .option('--certificate-file <file>', 'PEM file with the certificate of the key')
    .option('--placeholder <name=value>', "value of the provider's placeholder", collectPairs)
    .option('--secret-expires <date>', 'when the client secret ends, such as 2027-06-30', readDate)

function printUpdate(name: string, update: ProviderUpdate): void {
  if (update.version === null) return print(`The provider of "${name}" is not known any more; the registration goes on with what it keeps.`)
  if (update.digest === null) return print(`Nothing is different: "${name}" keeps what is known of its provider.`)
  printTable(
    ['WHAT', 'KEPT', 'KNOWN NOW'],
    update.differences.map(({ field, before, after }) => [field, before ?? '–', after ?? '–']),
  )
  if (update.moves_secrets)
    say('! Secrets would go to other servers: enter the client secret again with --client-secret-file, then connect the accounts again.')
  say(`To go on with it: keybearer registration update ${shellWord(name)} --accept`)
}

/** Returns provider and client ID: one's own, or those of a popular configuration. */
async function whose(
  client: Client,
  options: { provider?: string; clientId?: string; popular?: string },
): Promise<Pick<NewRegistration, 'provider' | 'client_id' | 'popular' | 'placeholders'>> {
  if (options.popular === undefined) {
    if (options.provider === undefined || options.clientId === undefined) {
      throw new CommandError('--provider and --client-id are needed, or --popular.', { exit: exitCodes.usage })
    }
    return { provider: options.provider, client_id: options.clientId }
  }
  const { enabled, items } = await client.listPopularConfigurations()
  const found = items.find((one) => one.id === options.popular)
  if (!enabled || found === undefined) {
    throw new CommandError(enabled ? `There is no popular configuration "${options.popular}".` : 'Popular configurations are switched off.', {
      exit: enabled ? exitCodes.no_such_thing : exitCodes.not_allowed,
      nextStep: 'See "keybearer providers popular".',
    })
  }
  return { provider: found.provider.id, client_id: found.client_id, popular: found.id, placeholders: found.placeholders }
}

export function registrationCommand(): Command {
  const command = new Command('registration').description('client registrations at providers: one serves many credentials')
  command.addCommand(
    new Command('list')
      .description('list them')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const client = connectService()
        const items = await allPages((cursor) => client.listRegistrations({ query: cursor === undefined ? {} : { cursor } }))
        if (options.json) return printJson({ items, next: null })
        printTable(
          ['NAME', 'PROVIDER', 'CLIENT ID', 'AUTHENTICATION', 'SECRET ENDS', 'CREDENTIALS'],
          items.map((item) => [item.name, item.provider.name, item.client_id, item.client_auth, relative(item.secret_expires_at), String(item.credentials)]),
        )
      }),
  )
  command.addCommand(
    new Command('show')
      .description('show one')
      .argument('<name>')
      .option('--json', 'print JSON')
      .action(async (name: string, options: { json?: boolean }) => {
        const item = await connectService().getRegistration({ params: { registration: name } })
        if (options.json) return printJson(item)
        for (const [label, value] of [
          ['Name', item.name],
          ['Id', item.id],
          ['Provider', item.provider.name],
          ['Client ID', item.client_id],
          ['Authentication', item.client_auth],
          ['Client secret', item.has_client_secret ? 'stored' : 'none'],
          ['Secret ends', item.secret_expires_at ?? 'not known'],
          ['Redirect URI', item.redirect_uri],
        ] as const)
          print(`${label.padEnd(16)} ${value}`)
      }),
  )
  command.addCommand(
    withFields(
      new Command('add')
        .description('make one')
        .argument('<name>')
        .option('--provider <id>', 'see "keybearer providers"')
        .option('--client-id <id>')
        .option('--popular <id>', 'use the client of another application, see "keybearer providers popular"'),
    ).action(async (name: string, options: Partial<Options> & { popular?: string }) => {
      const client = connectService()
      const made = await client.createRegistration({ body: { ...fields(options), name, ...(await whose(client, options)) } })
      if (made.own_redirect) print(`"${made.name}" is made. Register this redirect URI at the provider, exactly as it stands:\n  ${made.redirect_uri}`)
      else print(`"${made.name}" is made. Connect its credentials with --paste: the browser ends at an address of the other application.`)
    }),
  )
  command.addCommand(
    withFields(
      new Command('edit')
        .description('change one, such as a new client secret')
        .argument('<name>')
        .option('--name <name>', 'a new name')
        .option('--client-id <id>'),
    ).action(async (name: string, options: Partial<Options>) => {
      const made = await connectService().changeRegistration({ params: { registration: name }, body: fields(options) })
      print(`"${made.name}" is changed.`)
    }),
  )
  command.addCommand(
    new Command('update')
      .description('show what is known now of the provider of one, and accept it')
      .argument('<name>')
      .option('--accept', 'go on with what is shown')
      .option('--client-secret-file <file>', 'file with the client secret, where it would go to other servers; - for stdin')
      .option('--json', 'print JSON')
      .action(async (name: string, options: { accept?: boolean; clientSecretFile?: string; json?: boolean }) => {
        const client = connectService()
        const params = { registration: name }
        const update = await client.getProviderUpdate({ params })
        if (options.json) printJson(update)
        else printUpdate(name, update)
        if (!options.accept || update.digest === null) return
        const secret = options.clientSecretFile === undefined ? {} : { client_secret: readSecretFile(options.clientSecretFile) }
        await client.acceptProviderUpdate({ params, body: { digest: update.digest, ...secret } })
        say(`"${name}" goes on with this.`)
      }),
  )
  command.addCommand(
    new Command('delete')
      .description('delete one that no credential uses')
      .argument('<name>')
      .action(async (name: string) => {
        await connectService().deleteRegistration({ params: { registration: name } })
        print(`"${name}" is deleted.`)
      }),
  )
  return command
}
