import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { print, say } from './output.ts'
import { connectService } from './service.ts'

export function rotateKeyCommand(): Command {
  return new Command('rotate-key')
    .description('replace the master key while the service runs; goes on where it stopped when it was interrupted')
    .action(async () => {
      const client = connectService()
      let state = await client.startRotation()
      say('Wrapping every data key by the new master key …')
      while (state.state === 'running') {
        await new Promise((done) => setTimeout(done, 200))
        state = await client.getRotation()
      }
      if (state.problem) throw new CommandError(state.problem.detail, { exit: exitCodes.failed, nextStep: state.problem.next_step })
      print(`Master key version ${state.newest_version} is in use; ${state.rewrapped} data keys were wrapped anew.`)
      say('Back the key file up again, apart from the data.')
    })
}
