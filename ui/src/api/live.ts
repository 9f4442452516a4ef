import { useSyncExternalStore } from 'react'
import { queryClient } from './query-client.ts'

export type Connection = 'connecting' | 'live' | 'away'

let connection: Connection = 'connecting'
let source: EventSource | null = null
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()
const followers = new Set<(type: string, data: Record<string, unknown>) => void>()

/** Which lists are old news after which event. */
const concerns: Record<string, string[]> = {
  credential: ['credentials', 'credential', 'credential-use', 'counts', 'status', 'emergency-stops', 'deleted-credentials'],
  consent: ['consent', 'consents', 'credential', 'credential-use', 'credentials', 'counts'],
  token: ['credential-use', 'credentials', 'credential', 'access-keys'],
  registration: ['registrations', 'credentials'],
  provider: ['providers'],
  access_key: ['access-keys'],
  sender: ['senders', 'mail-options'],
  mail_options: ['mail-options'],
  action: ['actions', 'action-runs', 'action-run'],
  webhook: ['webhooks'],
  message: ['messages', 'message'],
  person: ['persons', 'session', 'passkeys', 'own-sessions'],
  master_key: ['rotation', 'doctor', 'status'],
}

const pending = new Set<string>()
let flushing: ReturnType<typeof setTimeout> | undefined

function invalidate(keys: string[]): void {
  for (const key of keys) pending.add(key)
  // A burst of events is one fetch, not hundreds.
  flushing ??= setTimeout(() => {
    flushing = undefined
    for (const key of pending) void queryClient.invalidateQueries({ queryKey: [key] })
    pending.clear()
  }, 150)
}

function set(next: Connection): void {
  if (next === connection) return
  const cameBack = connection === 'away' && next === 'live'
  connection = next
  for (const listener of listeners) listener()
  // What happened meanwhile is asked for once.
  if (cameBack) void queryClient.invalidateQueries()
}

function receive(event: MessageEvent<string>): void {
  let data: Record<string, unknown> = {}
  try {
    data = JSON.parse(event.data) as Record<string, unknown>
  } catch {
    return
  }
  if (event.type === 'events.missed') void queryClient.invalidateQueries()
  invalidate(concerns[event.type.split('.')[0] ?? ''] ?? [])
  for (const follower of followers) follower(event.type, data)
}

/** Event types that the service names; an EventSource hears only those it was told. */
export function startLive(types: readonly string[]): void {
  if (source !== null) return
  clearTimeout(timer)
  source = new EventSource('/v1/events')
  source.addEventListener('open', () => set('live'))
  source.addEventListener('error', () => {
    set('away')
    // Perhaps the service is there, and has ended the session.
    void queryClient.invalidateQueries({ queryKey: ['session'] })
    if (source?.readyState === EventSource.CLOSED) {
      source = null
      timer = setTimeout(() => startLive(types), 3000)
    }
  })
  for (const type of types) source.addEventListener(type, receive as EventListener)
  source.addEventListener('message', receive)
}

export function stopLive(): void {
  clearTimeout(timer)
  source?.close()
  source = null
  set('connecting')
}

/** Says whether changes arrive by themselves. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => connection,
  )
}

export function followEvents(follower: (type: string, data: Record<string, unknown>) => void): () => void {
  followers.add(follower)
  return () => followers.delete(follower)
}
