import { Command } from 'commander'
import { printDiagnosis } from './explain.ts'
import { commandFor, print, printJson, printTable, relative } from './output.ts'
import { connectService } from './service.ts'

export function showCommand(): Command {
  return new Command('show')
    .description('show everything about a credential but its secrets')
    .argument('<name>')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const client = connectService()
      const item = await client.getCredential({ params: { credential: name } })
      if (options.json) return printJson(item)
      const usage = await client.listCredentialUsage({ params: { credential: name } })
      const rows: [string, string | null][] = [
        ['Name', item.name],
        ['Id', item.id],
        ['Kind', item.grant === null ? item.kind : `${item.kind}, ${item.grant}`],
        ['Provider', item.provider?.name ?? null],
        ['Registration', item.registration?.name ?? null],
        ['User', item.username],
        ['Status', item.status.replace('_', ' ')],
        ['Reason', item.reason?.message ?? null],
        ['Next step', commandFor(item) ?? item.next_step?.text ?? null],
        ['Until', item.until === null ? null : `${item.until} (${relative(item.until)})`],
        ['Token valid until', item.token_expires_at === null ? null : `${item.token_expires_at} (${relative(item.token_expires_at)})`],
        ['Scopes', item.scopes.join(' ') || null],
        ['Not granted', item.missing_scopes.join(' ') || null],
        ['Allowed hosts', item.allowed_hosts.join(', ') || null],
        ['Tags', item.tags.join(', ') || null],
        ['Description', item.description || null],
        [
          'Last used',
          item.last_used_at === null
            ? 'never'
            : `${relative(item.last_used_at)}${item.last_used_by ? ` by ${item.last_used_by.name}` : ''}${item.last_use_outcome === 'issue' ? ', with an issue' : ''}`,
        ],
      ]
      for (const [label, value] of rows) if (value !== null) print(`${label.padEnd(18)} ${value}`)
      if (item.diagnosis !== null) {
        print('')
        printDiagnosis(item.diagnosis)
      }
      if (usage.items.length === 0) return
      print('')
      printTable(
        ['USED BY', 'LAST', 'TIMES', 'OUTCOME'],
        usage.items.map((use) => [use.access_key.name, relative(use.last_at), String(use.count), use.last_outcome]),
      )
    })
}
