import { Command } from 'commander'
import { print, printCredentials, printJson, relative } from './output.ts'
import { allPages, connectService } from './service.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('show the state of the service and what needs a person')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const client = connectService()
      const status = await client.getStatus()
      if (options.json) return printJson(status)
      const counts = Object.entries(status.credentials)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${count} ${name.replace('_', ' ')}`)
      print(`Keybearer ${status.version} at ${status.public_url}, ${status.database === 'sqlite' ? 'embedded database' : 'PostgreSQL'}`)
      print(`Credentials: ${counts.length === 0 ? 'none yet' : counts.join(', ')}`)
      print(`Audit trail: ${status.audit.records} records${status.audit.blocked ? ', BLOCKED: nothing is handed out' : ''}`)
      if (status.backup?.supported) {
        const { last_at: lastAt, is_old: isOld } = status.backup
        const age = lastAt === null ? 'none yet' : relative(lastAt, Date.parse(status.now))
        print(`Last backup: ${age}${isOld ? ' – older than a week: keybearer backup FILE' : ''}`)
      }
      for (const { host, ahead_seconds: seconds, blocks_signing: blocks } of status.clock_errors ?? []) {
        const apart = `${Math.abs(seconds) < 90 ? `${Math.abs(seconds)} s` : `${Math.round(Math.abs(seconds) / 60)} min`} ${seconds > 0 ? 'ahead of' : 'behind'} ${host}`
        print(`Clock: ${apart}${blocks ? ', nothing is signed for it' : ''} – timedatectl set-ntp true`)
      }
      const broken = await allPages((cursor) =>
        client.listCredentials({
          query: { status: ['needs_consent', 'misconfigured', 'expiring', 'retrying', 'incomplete'], ...(cursor === undefined ? {} : { cursor }) },
        }),
      )
      if (broken.length === 0) return
      print('')
      printCredentials(broken)
    })
}
