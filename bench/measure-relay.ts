import { performance } from 'node:perf_hooks'
import { MailServer } from '../test/mail-server.ts'
import type { Child } from './processes.ts'
import { freePort, startChild } from './processes.ts'
import type { RelayAnswer, RelayOrder } from './relay-child.ts'
import type { Measured } from './row.ts'
import { handInAnew, handInReused, SmtpSession, type Target } from './smtp-load.ts'
import { compare, inTurns, median, type Compared } from './statistics.ts'

const password = 'bench-password-of-no-value'

type RunningRelay = Target & { child: Child<RelayOrder, RelayAnswer>; stop: () => Promise<void> }

async function startRelay(upstream: number, delivers: boolean): Promise<RunningRelay> {
  const child = startChild<RelayOrder, RelayAnswer>('relay-child.ts')
  const { port, key } = await child.ask({ kind: 'start', upstream, password, delivers })
  return {
    port,
    password: key,
    child,
    async stop() {
      await child.ask({ kind: 'stop' })
      child.stop()
    },
  }
}

/** Messages a second that the relay takes and keeps, in turns with a bare smtp-server that keeps none; ten programs, each with one session. */
export async function measureRelayAccept(options: { mails: number; rounds: number }): Promise<Compared> {
  const bare = startChild<{ password: string }, { port: number }>('mail-sink.ts')
  const { port } = await bare.ask({ password })
  const relay = await startRelay(port, false)
  try {
    const load = { sessions: 10, mails: options.mails }
    const ours = () => handInReused(relay, load)
    const theirs = () => handInReused({ port, password }, load)
    await theirs()
    await ours()
    return compare(await inTurns(options.rounds, ours, theirs))
  } finally {
    await relay.stop()
    bare.stop()
  }
}

export type EndToEnd = { one: Compared; ten: Compared; anew: Compared; latency: Compared }

/** Messages a second from the program through the relay to the next server, in turns with the same programs straight to that server. */
export async function measureRelayEndToEnd(options: { mails: number; rounds: number }): Promise<EndToEnd> {
  const sink = await startSink()
  const relay = await startRelay(sink.port, true)
  const direct = { port: sink.port, password }
  const perSecond = async (mails: number, handIn: () => Promise<unknown>): Promise<number> => {
    const goal = sink.count() + mails
    const startedAt = performance.now()
    await handIn()
    await sink.reaches(goal)
    return (mails * 1000) / (performance.now() - startedAt)
  }
  const turns = async (mails: number, handIn: (target: Target) => Promise<unknown>): Promise<Compared> =>
    compare(
      await inTurns(
        options.rounds,
        () => perSecond(mails, () => handIn(relay)),
        () => perSecond(mails, () => handIn(direct)),
      ),
    )
  /** Milliseconds from the first word to the arrival, one message at a time. */
  const arrival = async (target: Target, mails: number): Promise<number> => {
    const session = await SmtpSession.open(target)
    const times: number[] = []
    for (let i = 0; i < mails; i++) {
      const goal = sink.count() + 1
      const startedAt = performance.now()
      await session.send()
      await sink.reaches(goal)
      times.push(performance.now() - startedAt)
    }
    await session.close()
    return median(times)
  }
  try {
    const { mails } = options
    await perSecond(mails, () => handInReused(relay, { sessions: 10, mails }))
    const few = Math.max(5, Math.round(mails / 8))
    return {
      one: await turns(mails, (target) => handInReused(target, { sessions: 1, mails })),
      ten: await turns(mails, (target) => handInReused(target, { sessions: 10, mails })),
      anew: await turns(few, (target) => handInAnew(target, { mails: few })),
      latency: compare(
        await inTurns(
          options.rounds,
          () => arrival(relay, few),
          () => arrival(direct, few),
        ),
      ),
    }
  } finally {
    await relay.stop()
    await sink.close()
  }
}

/** Resident memory with so many messages waiting for a server that is away, against none. */
export async function measureRelayMemory(options: { waiting: number }): Promise<Measured> {
  const relay = await startRelay(await freePort(), true)
  try {
    // What everything needs once is not counted against the messages.
    await handInReused(relay, { sessions: 10, mails: 50 })
    const before = await relay.child.ask({ kind: 'memory' })
    await handInReused(relay, { sessions: 10, mails: options.waiting })
    const after = await relay.child.ask({ kind: 'memory' })
    const measured = { figure: after.memory, yardstick: before.memory, ratio: after.memory / before.memory }
    return after.waiting === options.waiting + 50 ? measured : { ...measured, flaw: `${after.waiting} messages waited` }
  } finally {
    await relay.stop()
  }
}

/** A server beside the load, so that it sees the arrivals at once. */
async function startSink(): Promise<{ port: number; count: () => number; reaches: (goal: number) => Promise<void>; close: () => Promise<void> }> {
  let count = 0
  let wake = (): void => undefined
  const server = await new MailServer({ mechanisms: ['PLAIN'] }).listen()
  server.on.message = () => {
    count += 1
    // Nobody reads them.
    server.mails.length = 0
    server.lines.length = 0
    server.logins.length = 0
    wake()
    return undefined
  }
  return {
    port: server.port,
    count: () => count,
    async reaches(goal) {
      for (;;) {
        if (count >= goal) return
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    close: () => server.close(),
  }
}
