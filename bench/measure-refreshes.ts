import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerOrder, ServerReport } from './authorization-server.ts'
import { keepApart } from './cores.ts'
import type { LoadOrder } from './http-load.ts'
import { startChild, startLoad, startService } from './processes.ts'
import type { Measured } from './row.ts'
import { clientId, clientSecret, countGenerations, firstRefreshToken, letRunOut, seed } from './seed.ts'
import { compare } from './statistics.ts'

export type RefreshOptions = { bin: string; folder: string; credentials: number; rounds: number }

/** As many as the service opens to one host. */
const connections = 20

/**
 * Lets all credentials of an installation run out together and measures how fast the service renews them, in turns with
 * the same authorization server asked by nothing but a load generator. It counts only if every credential was renewed exactly once.
 *
 * The server signs beside its main thread: alone on a machine with two cores it would use both, and then have to share them with
 * the service, so that the ratio would tell how many cores there are. So it has one core all the time (`isApart`), where that can be had.
 */
export async function measureRefreshes(options: RefreshOptions): Promise<Measured & { isApart: boolean }> {
  const server = startChild<ServerOrder, ServerReport>('authorization-server.ts')
  const meetAgain = keepApart(server.pid)
  const load = startLoad()
  try {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    const { port } = await server.ask({
      do: 'listen',
      file: join(options.folder, 'authorization-server.db'),
      clientId,
      clientSecret,
      firstToken: firstRefreshToken('{n}'),
    })
    await seed(options.bin, { folder: options.folder, credentials: options.credentials, tokenPort: port })
    let next = options.credentials
    const alone = async (): Promise<number> => {
      const order: LoadOrder = {
        port,
        connections,
        method: 'POST',
        path: '/token',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: `grant_type=refresh_token&refresh_token=${firstRefreshToken('{n}')}`,
        first: next,
        numbers: options.credentials,
        shuffled: false,
        milliseconds: 60_000,
        requests: options.credentials,
      }
      next += options.credentials
      await server.ask({ do: 'count_anew' })
      const result = await load.ask(order)
      if (result.failed > 0) throw new Error(`${result.failed} of ${result.answered} refreshes failed`)
      return rateOf(await server.ask({ do: 'report' }))
    }
    const rounds: { figure: number; yardstick: number }[] = []
    const flaws: string[] = []
    await alone()
    for (let round = 0; round < options.rounds; round++) {
      const yardstick = await alone()
      await letRunOut(options.folder)
      await server.ask({ do: 'count_anew' })
      const service = await startService(options.bin, options.folder, { KEYBEARER_ALLOW_PRIVATE_NETWORKS: '127.0.0.1' })
      let report: ServerReport
      try {
        report = await untilQuiet(server, options.credentials)
      } finally {
        await service.stop()
      }
      rounds.push({ figure: rateOf(report), yardstick })
      flaws.push(...(await findFlaws(options, report, round + 2)))
    }
    return { ...compare(rounds), isApart: meetAgain !== null, ...(flaws.length > 0 ? { flaw: flaws.join(', ') } : {}) }
  } finally {
    load.stop()
    server.stop()
    meetAgain?.()
  }
}

const rateOf = (report: ServerReport): number => report.refreshed / (report.milliseconds / 1000)

/** Waits until all came, or nothing came for a while. */
async function untilQuiet(server: { ask: (order: ServerOrder) => Promise<ServerReport> }, expected: number): Promise<ServerReport> {
  let last = { refreshed: -1, refused: -1 }
  for (let quiet = 0; quiet < 10;) {
    await new Promise((done) => setTimeout(done, 300))
    const report = await server.ask({ do: 'report' })
    // Once all are through, a moment more shows whether one comes twice.
    quiet = report.refreshed === last.refreshed && report.refused === last.refused ? quiet + (report.refreshed >= expected ? 5 : 1) : 0
    last = report
  }
  return await server.ask({ do: 'report' })
}

async function findFlaws(options: RefreshOptions, report: ServerReport, generation: number): Promise<string[]> {
  const flaws: string[] = []
  if (report.refreshed !== options.credentials) flaws.push(`${report.refreshed} refreshes for ${options.credentials} credentials`)
  if (report.mostPerGrant > 1) flaws.push(`one was refreshed ${report.mostPerGrant} times`)
  if (report.reused > 0 || report.refused > 0) flaws.push(`${report.reused} used tokens sent again, ${report.refused} requests refused`)
  const stored = await countGenerations(options.folder)
  if (stored.length !== 1 || stored[0]?.generation !== generation || stored[0].status !== 'ready') flaws.push(`stored: ${JSON.stringify(stored)}`)
  return flaws
}
