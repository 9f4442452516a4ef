import { spawnSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { environmentOf, startService } from './processes.ts'
import type { Compared } from './statistics.ts'
import { compare, inTurns } from './statistics.ts'

/**
 * Measures `keybearer token NAME` from the start of its process to its end, in turns with the same Node that does nothing.
 * The service runs meanwhile; the compile cache is warm, as it is from the second call on.
 */
export async function measureTokenCommand(options: { bin: string; folder: string; rounds: number }): Promise<Compared> {
  const service = await startService(options.bin, options.folder)
  try {
    const environment = environmentOf(options.folder, service.port)
    const run = (parameters: string[], expected: RegExp): Promise<number> => {
      const startedAt = performance.now()
      const ended = spawnSync(process.execPath, parameters, { env: environment, encoding: 'utf8' })
      const milliseconds = performance.now() - startedAt
      if (ended.status !== 0 || !expected.test(ended.stdout)) throw new Error(`node ${parameters.join(' ')}: ${ended.status} ${ended.stderr}`)
      return Promise.resolve(milliseconds)
    }
    const token = () => run([options.bin, 'token', 'mail-1'], /^eyJ1\.\w+\n$/)
    const nothing = () => run(['-e', '0'], /^$/)
    for (let i = 0; i < 3; i++) await token()
    return compare(await inTurns(options.rounds, token, nothing))
  } finally {
    await service.stop()
  }
}
