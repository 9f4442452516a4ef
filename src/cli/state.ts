import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { ask, canAsk } from './input.ts'
import { print, say } from './output.ts'
import { connectService } from './service.ts'

/** Makes the commands that switch a credential from one state to another. */
export function stateCommands(): Command[] {
  const simple = (name: 'pause' | 'resume' | 'refresh', description: string, said: (credential: string) => string) =>
    new Command(name)
      .description(description)
      .argument('<name>')
      .action(async (credential: string) => {
        const client = connectService()
        const params = { credential }
        const view =
          name === 'pause'
            ? await client.pauseCredential({ params })
            : name === 'resume'
              ? await client.resumeCredential({ params })
              : await client.refreshCredential({ params })
        print(`${said(view.name)} Status: ${view.status.replace('_', ' ')}.`)
      })
  return [
    simple('pause', 'switch a credential off', (name) => `"${name}" is switched off.`),
    simple('resume', 'switch a credential on again', (name) => `"${name}" is switched on.`),
    simple('refresh', 'fetch a new token now', (name) => `"${name}" has a new token.`),
    new Command('revoke')
      .description('take the tokens of a credential back at the provider')
      .argument('<name>')
      .action(async (credential: string) => {
        const { revocation } = await connectService().revokeCredential({ params: { credential } })
        print(revocation.message)
        say(`Reconnect it with: keybearer connect ${shellWord(credential)}`)
      }),
    new Command('delete')
      .description('delete a credential and revoke its tokens')
      .argument('<name>')
      .option('--keep-tokens', 'do not revoke them at the provider')
      .option('--yes', 'do not ask')
      .action(async (credential: string, options: { keepTokens?: boolean; yes?: boolean }) => {
        const client = connectService()
        const view = await client.getCredential({ params: { credential } })
        if (!options.yes) {
          if (!canAsk()) throw new CommandError('Deleting needs --yes where nobody can be asked.', { exit: exitCodes.usage })
          const usage = await client.listCredentialUsage({ params: { credential } })
          if (usage.items.length > 0) say(`It is used by ${usage.items.map((use) => use.access_key.name).join(', ')}.`)
          if ((await ask(`Type "${view.name}" to delete it`, '--yes')) !== view.name) throw new CommandError('Nothing was deleted.', { exit: exitCodes.failed })
        }
        const deleted = await client.deleteCredential({ params: { credential }, query: { revoke: options.keepTokens !== true } })
        print(`"${view.name}" is deleted. ${deleted.revocation.message}`)
        if (deleted.restorable_until !== null)
          say(`Until ${deleted.restorable_until.slice(0, 10)} it can be brought back: keybearer deleted restore ${shellWord(view.name)}`)
      }),
  ]
}
