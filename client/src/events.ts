/** Something that happened, as the service tells it. */
export type ServiceEvent = { id: string | null; type: string; data: Record<string, unknown> }

/**
 * Follows what happens in the service, from the given event on. The connection is made again when it breaks, so that nothing
 * is missed; it ends with the signal.
 */
export async function* events(options: { url: string; accessKey: string; lastEventId?: string; signal?: AbortSignal }): AsyncGenerator<ServiceEvent> {
  let last = options.lastEventId ?? null
  let wait = 500
  while (!options.signal?.aborted) {
    try {
      const response = await fetch(`${options.url.replace(/\/+$/, '')}/v1/events`, {
        headers: { authorization: `Bearer ${options.accessKey}`, accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) },
        ...(options.signal ? { signal: options.signal } : {}),
      })
      if (response.status === 401 || response.status === 403) throw new Refused(`The service refused the events (status ${response.status}).`)
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
      wait = 500
      for await (const event of parse(response.body)) {
        if (event.id !== null) last = event.id
        yield event
      }
    } catch (error) {
      if (error instanceof Refused) throw error
    }
    if (options.signal?.aborted) return
    await new Promise((done) => setTimeout(done, wait))
    wait = Math.min(wait * 2, 15_000)
  }
}

class Refused extends Error {}

/** Reads server-sent events. @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
async function* parse(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServiceEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let event = { id: null as string | null, type: 'message', data: '' }
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (event.data !== '') yield { id: event.id, type: event.type, data: JSON.parse(event.data) as Record<string, unknown> }
        event = { id: null, type: 'message', data: '' }
      } else if (line.startsWith('id:')) event.id = line.slice(3).trim()
      else if (line.startsWith('event:')) event.type = line.slice(6).trim()
      else if (line.startsWith('data:')) event.data += line.slice(5).trim()
    }
  }
}
