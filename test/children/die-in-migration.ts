// Brings a database forward up to one step, and ends as by a power cut in it: when it begins, or when all of it is done but the commit.
import { migrate, migrations } from '../../src/storage/migrate.ts'
import { openAsItIs } from '../data-sets/data-set.ts'

const [folder = '', version, moment, now, url] = process.argv.slice(2)
const { db, dialect } = openAsItIs({ folder, url })
const die = () => process.kill(process.pid, 'SIGKILL')
const steps = migrations.map((step) =>
  step.version !== Number(version)
    ? step
    : {
        ...step,
        async up(...args: Parameters<typeof step.up>) {
          if (moment === 'begin') die()
          await step.up(...args)
          die()
        },
      },
)
await migrate(db, dialect, Number(now), steps)
