import { Command } from 'commander'
import { print, printJson, printTable, relative, say } from './output.ts'
import { connectService } from './service.ts'

export function calendarCommand(): Command {
  return new Command('calendar')
    .description('list everything known to end: client secrets, certificates, consents, keys')
    .option('--feed <name>', 'make an address for calendar programs, with a key of this name that can do nothing else')
    .option('--json', 'print JSON')
    .action(async ({ feed, json }: { feed?: string; json?: boolean }) => {
      const client = connectService()
      if (feed !== undefined) {
        const made = await client.createCalendarFeed({ body: { name: feed } })
        if (json === true) return printJson(made)
        print(made.address)
        return say(`Subscribe to this address; it is shown only now. To end it: keybearer key revoke ${made.access_key.id}`)
      }
      const { items } = await client.listEnds()
      if (json === true) return printJson({ items, next: null })
      if (items.length === 0) return say('Nothing is known to end.')
      printTable(
        ['ENDS', 'ON', 'WHAT', 'OF', 'NEXT STEP'],
        items.map((item) => [relative(item.at), item.at.slice(0, 10), item.kind.replaceAll('_', ' '), item.subject.name, item.next_step]),
      )
    })
}
