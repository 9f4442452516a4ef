import { Command } from 'commander'
import { readSettings, settingsTable, type SettingName } from '../config.ts'
import { printJson, printTable } from './output.ts'

export function settingsCommand(): Command {
  return new Command('settings')
    .description('show every setting as it holds here, and where it comes from; secrets are hidden')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => {
      const { effective } = readSettings(process.env)
      if (options.json) return printJson({ items: effective.map((one) => ({ ...one, summary: settingsTable[one.name as SettingName].sentence })), next: null })
      printTable(['SETTING', 'VALUE', 'FROM'], effective.map((one) => [one.name, one.value === '' ? '–' : one.value, one.source]))
    })
}
