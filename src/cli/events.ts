import { Command } from 'commander'
import { events } from '../../client/src/events.ts'
import { findConnection } from './connection.ts'
import { print } from './output.ts'

export function eventsCommand(): Command {
  return new Command('events')
    .description('show what happens, as it happens, one JSON object per line')
    .option('--since <id>', 'begin after this event')
    .action(async (options: { since?: string }) => {
      const { url, accessKey } = findConnection()
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      for await (const event of events({ url, accessKey, signal: stop.signal, ...(options.since === undefined ? {} : { lastEventId: options.since }) })) {
        print(JSON.stringify(event.data))
      }
    })
}
