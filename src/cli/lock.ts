import { Command } from 'commander'
import { KeybearerError } from '../../client/src/client.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { askSecret, canAsk, readSecretFile } from './input.ts'
import { print, say } from './output.ts'
import { connectService } from './service.ts'

type Client = ReturnType<typeof connectService>

/** A token request that is under way may take half a minute, and its answer is kept. */
const longestWait = 60_000
const interval = 200

export function lockCommand(): Command {
  return new Command('lock').description('lock the service, on every node: nothing is opened and no job runs until somebody unlocks it').action(async () => {
    const client = connectService()
    await client.lockService()
    say('Waiting until what providers have answered is kept …')
    await waitFor(client, 'locked')
    print('Locked. To go on: keybearer unlock')
  })
}

export function unlockCommand(): Command {
  return new Command('unlock')
    .description('unlock the service, on every node that finds its master key again')
    .option('--passphrase-file <file>', 'file with the passphrase that the master key is made of; - for stdin')
    .action(async (options: { passphraseFile?: string }) => {
      const client = connectService()
      const given = options.passphraseFile === undefined ? undefined : readSecretFile(options.passphraseFile)
      await unlock(client, given)
      await waitFor(client, 'ready')
      print('Unlocked.')
    })
}

async function unlock(client: Client, passphrase: string | undefined): Promise<void> {
  try {
    await client.unlockService({ body: passphrase === undefined ? {} : { passphrase } })
  } catch (error) {
    const isNeeded = error instanceof KeybearerError && error.problem?.errors?.some(({ path }) => path === 'passphrase')
    if (passphrase !== undefined || !isNeeded || !canAsk()) throw error
    await unlock(client, await askSecret('Passphrase of the master key', '--passphrase-file'))
  }
}

async function waitFor(client: Client, state: 'locked' | 'ready'): Promise<void> {
  for (let waited = 0; waited < longestWait; waited += interval) {
    await new Promise((done) => setTimeout(done, interval))
    try {
      await client.getReadiness()
      if (state === 'ready') return
    } catch (error) {
      if (!(error instanceof KeybearerError)) throw error
      // Before that it is still being locked: what is under way ends.
      if (state === 'locked' && error.problem?.facts?.sealed === true) return
    }
  }
  throw new CommandError(`The service is not ${state} yet.`, { exit: exitCodes.try_later, nextStep: 'Look into its log, and run: keybearer status' })
}
