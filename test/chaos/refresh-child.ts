// One node that renews a credential again and again until it is killed. Arguments: folder, database URL or "-", credential.
import { openWorld, tester } from '../world.ts'

const [folder = '', url = '-', credential = ''] = process.argv.slice(2)
const world = await openWorld({ folder, url: url === '-' ? undefined : url, remove: async () => undefined })
await world.context.db.updateTable('credentials').set({ lease: null, lease_until: null }).execute()
await world.schedule.recover()
process.stdout.write('ready\n')
for (;;) {
  try {
    await world.credentials.refresh(credential, tester)
    process.stdout.write('refreshed\n')
  } catch (error) {
    process.stdout.write(`failed ${(error as { code?: string }).code ?? String(error)}\n`)
    await new Promise((done) => setTimeout(done, 20))
  }
}
