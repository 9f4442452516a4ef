import { Command } from 'commander'
import type { ImportItem, ImportOrder, ImportResult } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { askSecret, oneOf, readInput, readSecretFile } from './input.ts'
import { green, print, printJson, red, say, yellow } from './output.ts'
import { connectService } from './service.ts'

const formats = ['auto', 'keybearer', 'google', 'email_oauth2_proxy', 'rclone', 'mutt_oauth2', 'csv'] as const

type Options = { onClash: ImportOrder['on_clash']; format?: ImportOrder['format']; passphraseFile?: string; dryRun?: boolean; json?: boolean }

export function importCommand(): Command {
  return new Command('import')
    .description('bring credentials in from a file: an export of Keybearer, files of other programs, or a table')
    .argument('<file>', '- for stdin')
    .addOption(oneOf('--on-clash <what>', 'what happens when a name is taken', ['skip', 'rename', 'replace']).default('skip'))
    .addOption(oneOf('--format <format>', 'of which kind the file is; found out unless told', [...formats]))
    .option('--passphrase-file <file>', 'file with the passphrase of an encrypted export; - for stdin')
    .option('--dry-run', 'say what would happen, and change nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: Options) => {
      if (file === '-' && options.passphraseFile === '-') {
        throw new CommandError('The file and the passphrase cannot both come from stdin.', { exit: exitCodes.usage })
      }
      // The service takes no NUL; that the file is no text is for it to say.
      const content = readInput(file).replaceAll('\0', '\ufffd')
      const passphrase = await readPassphrase(content, options.passphraseFile)
      const result = await connectService().importCredentials({
        body: {
          content,
          on_clash: options.onClash,
          ...(passphrase === undefined ? {} : { passphrase }),
          ...(options.format === undefined ? {} : { format: options.format }),
          ...(options.dryRun ? { dry_run: true } : {}),
        },
      })
      if (options.json) printJson(result)
      else printResult(result, options.dryRun ?? false)
      if (result.items.some((item) => item.action === 'refused')) process.exitCode = exitCodes.failed
    })
}

async function readPassphrase(content: string, file: string | undefined): Promise<string | undefined> {
  if (file !== undefined) return readSecretFile(file)
  if (!content.trimStart().startsWith('-----BEGIN AGE ENCRYPTED FILE-----')) return undefined
  return await askSecret('Passphrase of the file', '--passphrase-file')
}

function printResult({ items, applied }: ImportResult, isDry: boolean): void {
  for (const item of items) {
    print(describe(item))
    if (item.problem) {
      print(`    ${item.problem.detail}`)
      print(`    ${item.problem.next_step}`)
    }
    for (const note of item.notes) print(`    ${note}`)
  }
  const come = items.filter((item) => item.final_name !== null && item.action !== 'skip').length
  if (items.some((item) => item.action === 'refused')) say('Nothing was imported, because an item was refused.')
  else if (isDry) say(`Nothing was changed. ${come} of ${items.length} would come.`)
  else if (applied) say(`${come} of ${items.length} came. See them with: keybearer list`)
}

function describe(item: ImportItem): string {
  const provider = item.provider === null ? '' : ` (${item.provider})`
  switch (item.action) {
    case 'create':
      return `${green('+')} ${item.name}${provider}`
    case 'rename':
      return `${green('+')} ${item.name}${provider} as ${shellWord(item.final_name ?? '')}`
    case 'replace':
      return `${yellow('~')} ${item.name}${provider} takes the place of the one that is here`
    case 'skip':
      return `${yellow('–')} ${item.name}${provider} is left out`
    case 'refused':
      return `${red('✗')} ${item.name}${provider} is refused`
  }
}
