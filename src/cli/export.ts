import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { askSecret, canAsk, readSecretFile } from './input.ts'
import { say } from './output.ts'
import { connectService } from './service.ts'

type Options = { secrets?: boolean; passphraseFile?: string; output?: string }

export function exportCommand(): Command {
  return new Command('export')
    .description('write credentials to a file for another Keybearer; with secrets it is encrypted with a passphrase')
    .argument('[names...]', 'which; all of them unless told')
    .option('--secrets', 'take the secrets along, encrypted in the format of age')
    .option('--passphrase-file <file>', 'file with the passphrase; - for stdin; asked for unless told')
    .option('--output <file>', 'write to this new file, for you alone; to stdout unless told')
    .action(async (names: string[], options: Options) => {
      if (options.passphraseFile !== undefined && !options.secrets) {
        throw new CommandError('--passphrase-file is for exports with --secrets.', { exit: exitCodes.usage })
      }
      const passphrase = options.secrets ? await newPassphrase(options.passphraseFile) : undefined
      const { content, count } = await connectService().exportCredentials({
        body: {
          secrets: options.secrets ? 'encrypted' : 'none',
          ...(names.length > 0 ? { credentials: names } : {}),
          ...(passphrase === undefined ? {} : { passphrase }),
        },
      })
      if (options.output === undefined) process.stdout.write(content)
      else writeNewFile(options.output, content)
      say(`${count} ${count === 1 ? 'credential' : 'credentials'} exported, ${options.secrets ? 'with secrets, encrypted' : 'without secrets'}.`)
    })
}

async function newPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return readSecretFile(file)
  const first = await askSecret('Passphrase for the file, of at least 12 characters', '--passphrase-file')
  if (canAsk() && (await askSecret('The same again', '--passphrase-file')) !== first) {
    throw new CommandError('The two passphrases are not the same.', { exit: exitCodes.usage })
  }
  return first
}

function writeNewFile(file: string, content: string): void {
  try {
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(code === 'EEXIST' ? `${file} exists already.` : `${file} cannot be written: ${code ?? 'error'}.`, { exit: exitCodes.failed })
  }
}
