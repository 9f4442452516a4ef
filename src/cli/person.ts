import { Command, Option } from 'commander'
import type { NewPerson } from '../../client/src/operations.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { connectService } from './service.ts'

const roles = ['administrator', 'manager', 'viewer']
const roleOption = () =>
  new Option('--role <role>', 'administrator: everything; manager: credentials, senders and mail; viewer: only looks').choices(roles).default('viewer')

export function personCommand(): Command {
  const command = new Command('person').description('persons: who may sign in to the web page')
  command.addCommand(
    new Command('list')
      .description('list them')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const page = await connectService().listPersons()
        if (options.json) return printJson(page)
        printTable(
          ['NAME', 'ROLE', 'STATUS', 'LAST SEEN'],
          page.items.map((item) => [item.name, item.role, item.status, item.last_seen_at === null ? 'never' : relative(item.last_seen_at)]),
        )
      }),
  )
  command.addCommand(
    new Command('invite')
      .description('let somebody in: prints a link that works once, for seven days')
      .argument('<name>', 'what the person signs in with, such as a mail address')
      .addOption(roleOption())
      .action(async (name: string, options: { role: NewPerson['role'] }) => {
        const invited = await connectService().invitePerson({ body: { name, role: options.role } })
        print(invited.link)
        say(`"${invited.person.name}" joins as ${invited.person.role} with this link. It works once, and ends ${relative(invited.expires_at)}.`)
      }),
  )
  command.addCommand(
    new Command('link')
      .description('make a new link for a person: the first one was lost, or the password was forgotten')
      .argument('<name>')
      .action(async (person: string) => {
        const invited = await connectService().renewInvitation({ params: { person } })
        print(invited.link)
        say(`"${invited.person.name}" chooses a new password with this link. It works once, and ends ${relative(invited.expires_at)}.`)
      }),
  )
  command.addCommand(
    new Command('remove')
      .description('remove a person; open sessions end at once')
      .argument('<name>')
      .action(async (person: string) => {
        await connectService().deletePerson({ params: { person } })
        say(`"${person}" is removed and can sign in no more.`)
      }),
  )
  return command
}
