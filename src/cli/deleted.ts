import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { ask, canAsk } from './input.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { allPages, connectService } from './service.ts'

/** Makes the command for credentials that were deleted. */
export function deletedCommand(): Command {
  const command = new Command('deleted').description('list deleted credentials, bring one back, or destroy it for good')
  command.addCommand(
    new Command('list')
      .description('list those that can still be restored')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const client = connectService()
        const items = await allPages((cursor) => client.listDeletedCredentials({ query: cursor === undefined ? {} : { cursor } }))
        if (options.json) return printJson({ items })
        if (items.length === 0) say('No deleted credential can be restored.')
        else
          printTable(
            ['NAME', 'KIND', 'ACCOUNT', 'DELETED', 'BY', 'RESTORABLE UNTIL', 'ID'],
            items.map((one) => [one.name, one.kind, one.username ?? '', relative(one.deleted_at), one.deleted_by.name, relative(one.restorable_until), one.id]),
          )
      }),
  )
  command.addCommand(
    new Command('restore')
      .description('bring one back, by its name or its id')
      .argument('<name>')
      .option('--name <name>', 'give it another name than it had')
      .action(async (credential: string, options: { name?: string }) => {
        const view = await connectService().restoreCredential({ params: { credential }, body: options.name === undefined ? {} : { name: options.name } })
        print(`"${view.name}" is back. Status: ${view.status.replace('_', ' ')}.`)
        if (view.next_step?.action === 'reconnect' || view.next_step?.action === 'connect') say(`Connect it with: keybearer connect ${shellWord(view.name)}`)
        if (view.next_step?.action === 'resume') say(`${view.reason?.message ?? ''} keybearer resume ${shellWord(view.name)}`)
      }),
  )
  command.addCommand(
    new Command('purge')
      .description('destroy one for good, by its name or its id')
      .argument('<name>')
      .option('--yes', 'do not ask')
      .action(async (credential: string, options: { yes?: boolean }) => {
        if (!options.yes) {
          if (!canAsk()) throw new CommandError('Purging needs --yes where nobody can be asked.', { exit: exitCodes.usage })
          if ((await ask(`Type "${credential}" to destroy it for good`, '--yes')) !== credential)
            throw new CommandError('Nothing was destroyed.', { exit: exitCodes.failed })
        }
        await connectService().purgeCredential({ params: { credential } })
        print(`"${credential}" is destroyed, with the key of its secret.`)
      }),
  )
  return command
}
