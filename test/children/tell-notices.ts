// Breaks credentials and tells of them until it is killed. Arguments: folder, database URL or "-", first number.
import { newId } from '../../src/base/ids.ts'
import { updateCredential } from '../../src/storage/credentials.ts'
import { appendEvents } from '../../src/storage/events.ts'
import { inTransaction } from '../../src/storage/transaction.ts'
import { Secret } from '../../src/base/secret.ts'
import { openMail, somebody } from '../mail-world.ts'
import { makeNoticeNode } from '../notice-world.ts'
import { openWorld } from '../world.ts'

const [folder = '', url = '-', first = '0'] = process.argv.slice(2)
const world = await openWorld({ folder, url: url === '-' ? undefined : url, remove: async () => undefined })
const mail = openMail(world)
const node = makeNoticeNode(mail)
await node.jobs.start()
process.stdout.write('ready\n')
const { db, clock } = world.context
const tell = async () => {
  for (;;) await node.notices.look()
}
void tell()
for (let i = Number(first); ; i++) {
  const name = `broken-${i}-${newId('job', 0).slice(-6)}`
  const { id } = await world.credentials.create({ name, kind: 'api_key', secret: new Secret('key') }, somebody)
  await inTransaction(db, async (trx) => {
    await updateCredential(trx, id, { status: 'misconfigured', status_since: clock.now() })
    await appendEvents(trx, clock, [{ type: 'credential.broken', subject: id, data: { name } }])
  })
  process.stdout.write(`broke ${name}\n`)
}
