// Runs relay and outbox over a place until it is killed. Arguments: folder, database URL or "-", port.
import { Refusals } from '../../src/access/refusals.ts'
import { KeyLimits } from '../../src/mail/key-limits.ts'
import { RawIntake } from '../../src/mail/raw-intake.ts'
import { Relay } from '../../src/mail/relay.ts'
import { openMail } from '../mail-world.ts'
import { openWorld } from '../world.ts'

const [folder = '', url = '-', port = '0'] = process.argv.slice(2)
const world = await openWorld({ folder, url: url === '-' ? undefined : url, remove: async () => undefined })
const { db, clock, audit, log } = world.context
// As a start on the embedded database does; on PostgreSQL it saves the minute until the lease of the dead has run out.
await db.updateTable('messages').set({ lease: null, lease_until: null }).execute()
const mail = openMail(world)
mail.outbox.start()
const relay = new Relay(
  {
    log,
    intake: new RawIntake(mail.context, mail.outbox, { foreignFrom: 'refuse' }),
    limits: new KeyLimits(mail.context),
    clock,
    readKey: (authorization) => world.accessKeys.reader(authorization),
    refusals: new Refusals({ audit, clock, log }),
    count: () => undefined,
    maxBytes: 1_000_000,
    openTo: null,
  },
  { host: '127.0.0.1', name: 'relay.test', port: Number(port), tlsPort: null, oldPort: null, oldTlsPort: null, tls: null },
)
await relay.start()
process.stdout.write('ready\n')
// The pauses between tries are tested elsewhere: here the time until the next one passes quickly.
setInterval(() => {
  const now = clock.now()
  db.updateTable('messages')
    .set({ next_attempt_at: now })
    .where('status', '=', 'queued')
    .where('next_attempt_at', '>', now)
    .execute()
    .catch(() => undefined)
}, 200)
