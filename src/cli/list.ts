import { Command } from 'commander'
import type { Operations } from '../../client/src/operations.ts'
import { collect, oneOf } from './input.ts'
import { print, printCredentials, printJson, say } from './output.ts'
import { allPages, connectService } from './service.ts'

export function listCommand(): Command {
  return new Command('list')
    .description('list credentials: which works, until when, who used it last')
    .argument('[search]', 'part of a name, user or description')
    .option('--status <status>', 'only with this status; several with commas', collect)
    .option('--tag <tag>', 'only with this tag')
    .option('--attention', 'only those that a person should look at')
    .addOption(oneOf('--sort <by>', 'what they are sorted by; name unless told', ['name', 'created', 'status', 'until', 'last_used', '-last_used']))
    .option('--json', 'print JSON')
    .action(async (search: string | undefined, options: { status?: string[]; tag?: string; attention?: boolean; sort?: string; json?: boolean }) => {
      const client = connectService()
      const query = {
        ...(search === undefined ? {} : { search }),
        ...(options.status ? { status: options.status } : {}),
        ...(options.tag === undefined ? {} : { tag: options.tag }),
        ...(options.attention ? { attention: true } : {}),
        ...(options.sort === undefined ? {} : { sort: options.sort }),
      } as Operations['listCredentials']['query']
      const items = await allPages((cursor) => client.listCredentials({ query: { ...query, limit: 500, ...(cursor === undefined ? {} : { cursor }) } }))
      if (options.json) return printJson({ items, next: null })
      if (items.length > 0) return printCredentials(items)
      if (search === undefined && options.status === undefined && options.tag === undefined && !options.attention) {
        say('There is no credential yet.')
        print('Make one with: keybearer add NAME --provider google --client-id …')
      } else say('No credential fits.')
    })
}
