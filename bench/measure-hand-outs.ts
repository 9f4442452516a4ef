import type { LoadOrder, LoadResult } from './http-load.ts'
import { startChild, startLoad, startService } from './processes.ts'
import type { BareAnswer } from './bare-server.ts'
import type { Measured } from './row.ts'
import { accessKeyOf } from './seed.ts'
import { compare } from './statistics.ts'

export type HandOutOptions = { bin: string; folder: string; rounds: number; milliseconds: number; connections: number }

/** Measures hand-outs of one cached token, in turns with a bare server that answers the same requests with the same bytes. */
export async function measureHandOuts(options: HandOutOptions): Promise<{ rate: Measured; p99: Measured }> {
  const service = await startService(options.bin, options.folder)
  const bare = startChild<BareAnswer, { port: number }>('bare-server.ts')
  const load = startLoad()
  try {
    const path = '/v1/credentials/mail-1/token'
    const headers = { authorization: `Bearer ${accessKeyOf(options.folder)}`, 'content-type': 'application/json', accept: 'application/json' }
    const bareServer = await bare.ask(await sampleAnswer(service.url + path, headers))
    const ask = async (port: number, milliseconds: number): Promise<LoadResult> => {
      const order: LoadOrder = { port, method: 'POST', path, headers, body: '{}', connections: options.connections, milliseconds, ...everything }
      const result = await load.ask(order)
      if (result.failed > 0) throw new Error(`${result.failed} of ${result.answered} requests failed`)
      return result
    }
    // The compiler of the engine needs a while on both sides.
    await ask(bareServer.port, options.milliseconds)
    await ask(service.port, options.milliseconds)
    const rounds: { bare: LoadResult; ours: LoadResult }[] = []
    for (let i = 0; i < options.rounds; i++) {
      const first = i % 2 === 0 ? await ask(bareServer.port, options.milliseconds) : null
      const ours = await ask(service.port, options.milliseconds)
      rounds.push({ ours, bare: first ?? (await ask(bareServer.port, options.milliseconds)) })
    }
    return {
      rate: compare(rounds.map((round) => ({ figure: round.ours.perSecond, yardstick: round.bare.perSecond }))),
      p99: compare(rounds.map((round) => ({ figure: round.ours.p99, yardstick: round.bare.p99 }))),
    }
  } finally {
    load.stop()
    bare.stop()
    await service.stop()
  }
}

const everything = { first: 0, numbers: 1, shuffled: false, requests: Number.MAX_SAFE_INTEGER }

/** Returns headers and body of a real hand-out. */
async function sampleAnswer(url: string, headers: Record<string, string>): Promise<BareAnswer> {
  const response = await fetch(url, { method: 'POST', headers, body: '{}' })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`a hand-out was refused: ${body}`)
  // These node:http adds by itself, to every answer.
  const own = new Set(['date', 'connection', 'keep-alive', 'content-length'])
  return { headers: Object.fromEntries([...response.headers].filter(([name]) => !own.has(name))), body }
}
