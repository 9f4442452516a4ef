import { Command } from 'commander'
import type { Diagnosis } from '../../client/src/operations.ts'
import { longestFailure, surfaces, type Surface } from '../base/diagnosis.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { oneOf, readInput } from './input.ts'
import { dim, print, printJson, say } from './output.ts'
import { connectService } from './service.ts'

type Options = { provider?: string; surface?: Surface; credential?: string; json?: boolean }

export function explainCommand(): Command {
  return new Command('explain')
    .description('say what an error text on the standard input means and what to do')
    .option('--provider <id>', 'whose text it is, such as microsoft or google')
    .addOption(oneOf('--surface <where>', 'where it was met', surfaces))
    .option('--credential <name>', 'fill in the values of this credential')
    .option('--json', 'print JSON')
    .action(async ({ provider, surface, credential, json }: Options) => {
      if (process.stdin.isTTY) say('Paste the error text, then press Ctrl-D on a line of its own.')
      const text = readInput('-').slice(0, longestFailure)
      if (text.trim() === '') throw new CommandError('There is no text on the standard input.', { exit: exitCodes.usage })
      const found = await connectService().explainFailure({
        body: {
          text,
          ...(provider === undefined ? {} : { provider }),
          ...(surface === undefined ? {} : { surface }),
          ...(credential === undefined ? {} : { credential }),
        },
      })
      if (json === true) return printJson(found)
      if (found.id === null) {
        print(found.title)
        print(found.meaning)
        return
      }
      printDiagnosis({ ...found, id: found.id, retry: found.retry ?? 'permanent', source: found.source ?? '' })
    })
}

const actors: Record<Diagnosis['who'], string> = {
  you: 'What to do:',
  owner: "What the account's owner has to do:",
  admin: "What an administrator of the account's organization has to do:",
  nobody: 'What happens now:',
}

/** Prints what a failure means, why probably, and what to do step by step. */
export function printDiagnosis(found: Diagnosis): void {
  print(found.title)
  print(found.meaning)
  print('')
  print('Likely causes:')
  for (const cause of found.causes) print(`  - ${cause}`)
  print('')
  print(actors[found.who])
  found.fix.forEach((step, at) => print(`  ${at + 1}. ${step}`))
  print('')
  print(dim(`${found.id}, ${found.source}`))
}
