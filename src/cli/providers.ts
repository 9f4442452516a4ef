import { Command } from 'commander'
import { readInput } from './input.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { print, printJson, printTable } from './output.ts'
import { connectService } from './service.ts'

export function providersCommand(): Command {
  const command = new Command('providers')
    .description('list the providers that are known')
    .argument('[search]', 'part of a name')
    .option('--json', 'print JSON')
    .action(async (search: string | undefined, options: { json?: boolean }) => {
      const { items } = await connectService().listProviders()
      const wanted = items.filter((one) => search === undefined || `${one.id} ${one.name}`.toLowerCase().includes(search.toLowerCase()))
      if (options.json) return printJson({ items: wanted, next: null })
      printTable(
        ['ID', 'NAME', 'GRANTS', 'NEEDS', 'YOURS'],
        wanted.map((one) => [
          one.id,
          one.name,
          one.grants.join(', '),
          one.placeholders.length > 2 ? 'its addresses' : one.placeholders.join(', '),
          one.own ? 'yes' : '',
        ]),
      )
    })
  command.addCommand(
    new Command('show')
      .description('show one')
      .argument('<id>')
      .action(async (id: string) => printJson(await connectService().getProvider({ params: { provider: id } }))),
  )
  command.addCommand(
    new Command('add')
      .description('add one of your own, in the form of the catalogue')
      .argument('<file>', 'JSON file; - for stdin')
      .action(async (file: string) => {
        let description: unknown
        try {
          description = JSON.parse(readInput(file))
        } catch (error) {
          if (error instanceof CommandError) throw error
          throw new CommandError(`${file} is not JSON.`, { exit: exitCodes.usage })
        }
        const made = await connectService().createProvider({ body: description as never })
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
  return command
}
