// Sends what lies in the outbox of a place until it is killed. Arguments: folder, database URL or "-", what to do.
import { letter, openMail, somebody } from '../mail-world.ts'
import { openWorld } from '../world.ts'

const [folder = '', url = '-', order = 'send'] = process.argv.slice(2)
const world = await openWorld({ folder, url: url === '-' ? undefined : url, remove: async () => undefined })
const mail = openMail(world)
if (order === 'send') mail.outbox.start()
process.stdout.write('ready\n')
// Whoever accepts has promised: the line stands for the reply to the caller.
if (order === 'accept') {
  for (let i = 0; ; i++) {
    const { messageId } = await mail.outbox.accept({ ...letter, subject: `Report ${i}` }, somebody)
    process.stdout.write(`accepted ${messageId}\n`)
  }
}
