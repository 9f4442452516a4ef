import type { Caller } from '../access/caller.ts'
import type { Event } from '../base/events.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Call, EventSink } from './call.ts'
import type { EndpointOf } from './contract.ts'
import { identify, mayManage } from './guard.ts'
import type { Services } from './services.ts'
import { eventBody } from './views-service.ts'

const heartbeat = 15_000
const page = 500
/** A caller that leaves so many bytes unread is cut off; with Last-Event-ID it loses nothing. */
const mostWaiting = 1024 * 1024

/**
 * Sends what the key may hear: first what it missed, from the table, then what happens, from the bus.
 *
 * Invariant: every event is judged by what the key may at that moment; a key that was revoked, or has expired, ends the stream.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function streamEvents(services: Services, call: Call<EndpointOf<'streamEvents'>>, after: number | null, sink: EventSink): Promise<void> {
  const { bus, events, clock } = services
  let caller: Caller = call.caller
  const wanted = call.query.type === undefined ? null : new Set<string>(call.query.type)
  const ended = new AbortController()
  let sent = 0
  let early: Event[] | null = []

  const send = (event: Event) => {
    if (ended.signal.aborted || (event.seq !== 0 && event.seq <= sent)) return
    if (event.seq !== 0) sent = event.seq
    if (wanted !== null && !wanted.has(event.type)) return
    if (!mayHear(caller, event)) return
    if (sink.waiting > mostWaiting) return stop()
    sink.write(`${event.seq === 0 ? '' : `id: ${event.seq}\n`}event: ${event.type}\ndata: ${JSON.stringify(eventBody(event))}\n\n`)
  }
  const judgeAgain = async () => {
    try {
      caller = await identify(services, call, { quiet: true })
    } catch (error) {
      if (!isProblem(error, 'not_signed_in')) services.log.warn('events.key_not_checked', { error })
      stop()
    }
  }
  const stopListening = bus.listen((event) => {
    if (event.type === 'access_key.changed' || event.type === 'person.changed' || event.type === 'events.missed') void judgeAgain().then(() => send(event))
    else if (early) early.push(event)
    else send(event)
  })
  const stop = () => {
    if (ended.signal.aborted) return
    ended.abort()
    stopListening()
    sink.end()
  }
  sink.onClose(stop)

  try {
    sink.write('retry: 3000\n\n')
    sent = after ?? (await events.last())
    if (after !== null) await replay(after)
    const waiting = early
    early = null
    for (const event of waiting) send(event)
    while (!ended.signal.aborted) {
      await clock.sleep(heartbeat, ended.signal).catch(() => undefined)
      if (ended.signal.aborted) break
      await judgeAgain()
      sink.write(': still here\n\n')
    }
  } finally {
    stop()
  }

  async function replay(from: number): Promise<void> {
    const newest = await events.last()
    let next = from
    for (let first = true; next < newest || first; first = false) {
      const found = await events.read(next, page)
      const isGap = from > newest || (found.length === 0 ? next < newest : found[0]!.seq !== next + 1)
      if (first && isGap) {
        sent = found.length === 0 ? newest : found[0]!.seq - 1
        sink.write('event: reset\ndata: {"reason":"The events after this id are not kept any more. Read everything anew."}\n\n')
        if (from > newest) sent = newest
      }
      if (found.length === 0) return
      for (const event of found) send(event)
      next = found.at(-1)!.seq
    }
  }
}

/** Returns the number of the last event that the caller heard; null when it begins with now. @throws Problem invalid_request */
export function lastHeard(call: Call<EndpointOf<'streamEvents'>>): number | null {
  const header = call.lastEventId
  if (header === undefined || header === '') return call.query.last_event_id ?? null
  if (!/^\d{1,15}$/.test(header)) throw new Problem('invalid_request', 'Last-Event-ID must be the number of an event.')
  return Number(header)
}

/** Says whether a key may hear of an event: of what it may read, and of what it administers. */
function mayHear(caller: Caller, event: Event): boolean {
  const [noun] = event.type.split('.')
  switch (noun) {
    case 'credential':
    case 'consent':
    case 'token': {
      const visible = caller.visible()
      return visible === undefined || (event.subject !== null && visible.includes(event.subject))
    }
    case 'access_key':
      return caller.administers('keys') || mayManage(caller)
    case 'person':
      return caller.administers('persons') || event.subject === caller.person?.id
    case 'audit':
      return caller.administers('audit') || mayManage(caller)
    case 'events':
      return true
    case 'action':
      return mayManage(caller) || (event.subject !== null && caller.mayRun(event.subject))
    case 'message':
      return mayManage(caller) || event.data.created_by === caller.actor.id
    default:
      return mayManage(caller)
  }
}
