import type { LoadOrder } from './http-load.ts'
import { startLoad, startService, type Load, type RunningService } from './processes.ts'
import { accessKeyOf } from './seed.ts'
import { compare, median, type Compared } from './statistics.ts'

export type SizeOptions = {
  bin: string
  small: { folder: string; credentials: number }
  large: { folder: string; credentials: number }
  rounds: number
  /** Requests per round. */
  requests: number
}

export type Sizes = { startSmall: number; startLarge: Compared; memory: Compared; handOut: Compared; list: Compared; search: Compared }

/** Measures, in turns, the same service with few and with many credentials stored. */
export async function measureSizes(options: SizeOptions): Promise<Sizes> {
  const { bin, small, large, requests } = options
  const load = startLoad()
  const rounds: { small: One; large: One }[] = []
  try {
    // The files of the larger one are read once, so that both come from memory.
    await measureOne(bin, large, load, requests)
    for (let i = 0; i < options.rounds; i++) {
      const first = i % 2 === 0 ? await measureOne(bin, small, load, requests) : null
      const many = await measureOne(bin, large, load, requests)
      rounds.push({ small: first ?? (await measureOne(bin, small, load, requests)), large: many })
    }
  } finally {
    load.stop()
  }
  const of = (name: keyof One) => compare(rounds.map((round) => ({ figure: round.large[name], yardstick: round.small[name] })))
  return {
    startSmall: median(rounds.map((round) => round.small.start)),
    startLarge: of('start'),
    memory: of('memory'),
    handOut: of('handOut'),
    list: of('list'),
    search: of('search'),
  }
}

type One = { start: number; memory: number; handOut: number; list: number; search: number }

async function measureOne(bin: string, stored: { folder: string; credentials: number }, load: Load, requests: number): Promise<One> {
  const service = await startService(bin, stored.folder)
  try {
    const memory = await idleMemory(service)
    const order = orderFor(service, stored)
    const handOut = { ...order, method: 'POST' as const, path: '/v1/credentials/mail-{n}/token', body: '{}', requests }
    const list = { ...order, method: 'GET' as const, path: '/v1/credentials', body: '', requests: Math.ceil(requests / 4) }
    // One credential has this account, however many there are: what is found is the same, what is looked through is not.
    const search = { ...list, path: '/v1/credentials?search=person-{n}%40example', requests: Math.ceil(requests / 20) }
    return { start: service.startedIn, memory, handOut: await ask(load, handOut), list: await ask(load, list), search: await ask(load, search) }
  } finally {
    await service.stop()
  }
}

/** Waits until the start is over, then takes the smallest of a few looks: what is left over is collected in between. */
async function idleMemory(service: RunningService): Promise<number> {
  const looks: number[] = []
  for (let i = 0; i < 8; i++) {
    await new Promise((done) => setTimeout(done, 250))
    looks.push(service.resident())
  }
  return Math.min(...looks)
}

function orderFor(service: RunningService, stored: { folder: string; credentials: number }): Omit<LoadOrder, 'method' | 'path' | 'body' | 'requests'> {
  return {
    port: service.port,
    connections: 1,
    headers: { authorization: `Bearer ${accessKeyOf(stored.folder)}`, 'content-type': 'application/json', accept: 'application/json' },
    first: 0,
    numbers: stored.credentials,
    // With many credentials hardly any is asked for twice: their tokens are not in memory.
    shuffled: true,
    milliseconds: 60_000,
  }
}

/** Returns the median latency in milliseconds, after as many requests to get warm. */
async function ask(load: Load, order: LoadOrder): Promise<number> {
  await load.ask(order)
  const result = await load.ask(order)
  if (result.failed > 0 || result.answered !== order.requests) throw new Error(`${result.failed} of ${result.answered} requests to ${order.path} failed`)
  return result.p50
}
