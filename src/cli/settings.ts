import { Command } from 'commander'
import { printJson, printTable } from './output.ts'
import { connectService } from './service.ts'

export function settingsCommand(): Command {
  return new Command('settings')
    .description('show every setting of the service as it holds, and where it comes from; secrets are hidden')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const settings = await connectService().getSettings()
      if (options.json) return printJson(settings)
      printTable(
        ['SETTING', 'VALUE', 'FROM'],
        settings.items.map((one) => [one.name, one.value ?? '–', one.source]),
      )
    })
}
