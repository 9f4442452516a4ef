import { createReadStream } from 'node:fs'
import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { restoreBackup } from '../main/restore-backup.ts'
import { CommandError } from './connection.ts'
import { say } from './output.ts'

export function restoreCommand(): Command {
  return new Command('restore')
    .description('make the store of this machine anew from a backup; the service must be stopped')
    .argument('<file>', 'what "keybearer backup" wrote; - for stdin')
    .option('--replace', 'put it in the place of the store that is there; that one is kept beside it')
    .action(async (file: string, options: { replace?: boolean }) => {
      process.umask(0o077)
      const { head, kept, folder } = await restoreBackup(process.env, piecesOf(file), { replace: options.replace ?? false })
      say(`The backup of ${new Date(head.madeAt).toISOString()} is restored in ${folder}.`)
      if (kept !== null) say(`The store that was there is kept: ${kept}`)
      say('Start the service: it tries every refresh token once, since a provider may have replaced it after the backup.')
      say('Then look: keybearer doctor, keybearer list. Everybody signs in again.')
    })
}

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of file === '-' ? process.stdin : createReadStream(file)) yield piece as Uint8Array
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read: ${code ?? 'error'}.`, { exit: exitCodes.failed })
  }
}
