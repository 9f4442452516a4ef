import { Command } from 'commander'
import type { AuditRecord, Operations } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { askSecret, readSecretFile } from './input.ts'
import { oneOf, readNumber } from './input.ts'
import { print, printJson, printTable, say } from './output.ts'
import { connectService } from './service.ts'

type Options = { credential?: string; action?: string; outcome?: string; limit?: number; token?: boolean; json?: boolean }

export function auditCommand(): Command {
  const command = new Command('audit')
    .description('show who did what, the newest first')
    .option('--credential <name>', 'only what concerns this credential')
    .option('--action <action>', 'only this action, such as token.handed_out')
    .addOption(oneOf('--outcome <outcome>', 'only with this outcome', ['done', 'refused', 'failed']))
    .option('--token', 'what was done with a token that was found somewhere; it is read from stdin')
    .option('--limit <n>', 'how many', readNumber, 50)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const client = connectService()
      if (options.token) {
        const token = process.stdin.isTTY ? await askSecret('The token', 'The token on stdin') : readSecretFile('-').trim()
        const found = await client.findTokenInAudit({ body: { token, limit: options.limit ?? 50 } })
        if (options.json) return printJson(found)
        if (found.items.length === 0) return print('This token was never handed out from here.')
        return printRecords(found.items)
      }
      const subject = options.credential === undefined ? undefined : (await client.getCredential({ params: { credential: options.credential } })).id
      const query = {
        limit: options.limit ?? 50,
        ...(subject === undefined ? {} : { subject }),
        ...(options.action === undefined ? {} : { action: options.action }),
        ...(options.outcome === undefined ? {} : { outcome: options.outcome }),
      } as Operations['listAudit']['query']
      const page = await client.listAudit({ query })
      if (options.json) return printJson(page)
      printRecords(page.items)
    })
  command.addCommand(
    new Command('export')
      .description('print the trail, or what fits of it, as one JSON object per line, the oldest record first')
      .option('--action <action>', 'only this action, such as token.handed_out')
      .addOption(oneOf('--outcome <outcome>', 'only with this outcome', ['done', 'refused', 'failed']))
      .option('--from <time>', 'only from this moment on, such as 2026-11-01T00:00:00Z')
      .option('--to <time>', 'only before this moment')
      .action(async (options: { action?: string; outcome?: string; from?: string; to?: string }) => {
        process.stdout.write(await connectService().exportAudit({ query: options as NonNullable<Operations['exportAudit']['query']> }))
      }),
  )
  command.addCommand(
    new Command('verify')
      .description('check that no record was changed, removed or moved')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const result = await connectService().verifyAudit()
        if (options.json) printJson(result)
        else if (result.ok) {
          print(`${result.records} records fit together.`)
          say(`The hash of the last one is ${result.head}: kept elsewhere, it proves later that nothing before it was changed.`)
        } else print(`The audit trail was changed: ${result.what}. The first bad record is ${result.first_bad}.`)
        if (!result.ok) process.exitCode = exitCodes.failed
      }),
  )
  return command
}

function printRecords(records: AuditRecord[]): void {
  printTable(
    ['WHEN (UTC)', 'WHO', 'WHAT', 'ABOUT', 'OUTCOME', 'FROM'],
    records.map((item) => [
      item.at.slice(0, 19).replace('T', ' '),
      item.actor.name,
      item.action,
      item.subject?.name ?? item.subject?.id ?? '',
      outcomeOf(item),
      item.address ?? '',
    ]),
  )
}

/** How it ended, why, and how often it came at once when that is one record. */
function outcomeOf({ outcome, reason, detail }: AuditRecord): string {
  const times = typeof detail.count === 'number' ? ` ×${detail.count}` : ''
  return `${outcome}${times}${reason === null ? '' : `: ${reason}`}`
}
