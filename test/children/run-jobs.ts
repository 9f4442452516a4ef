// Orders jobs, runs them, and says so line by line, until it is killed.
import { systemClock } from '../../src/base/clock.ts'
import { createJobRunner } from '../../src/jobs/job-runner.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { inTransaction } from '../../src/storage/transaction.ts'

const [folder = '', from = '0', url] = process.argv.slice(2)
const { db, dialect } = await openDatabase({ folder, url, now: systemClock.now() })
const say = (line: string) => process.stdout.write(`${line}\n`)
const runner = createJobRunner({
  db,
  dialect,
  clock: systemClock,
  log: { warn: say, error: (event, fields) => say(`${event} ${String(fields?.['error'])}`) },
  concurrency: 5,
  handlers: {
    count: {
      async run({ subject }) {
        say(`began ${subject}`)
        await systemClock.sleep(20)
        say(`done ${subject}`)
        return { outcome: 'done' }
      },
    },
  },
})
await runner.start()
for (let i = Number(from); ; i++) {
  await inTransaction(db, (trx) => runner.enqueue(trx, { kind: 'count', subject: String(i) }))
  say(`ordered ${i}`)
  runner.wake()
  await systemClock.sleep(5)
}
