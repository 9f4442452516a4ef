import type { Log } from '../base/log.ts'
import { readFileSync } from 'node:fs'
import { flushSpool } from './sendmail-flush.ts'
import { listSpool } from './sendmail-spool.ts'

const interval = 30_000

/**
 * Hands in what `sendmail` kept while the service was away, now and from time to time: the messages of the user that the
 * service runs as, with the access key of his command line. The folders of other users are theirs.
 */
export function watchSpool(options: { folder: string; url: string; accessKeyFile: string; log: Log }): () => Promise<void> {
  const { folder, url, accessKeyFile, log } = options
  let stopped = false
  let under: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    try {
      if (stopped || listSpool(folder, false).length === 0) return
      const accessKey = readFileSync(accessKeyFile, 'utf8').trim()
      const { handedIn, refused, left } = await flushSpool({ url, accessKey, accessKeyFrom: accessKeyFile }, folder, {
        most: Infinity,
        milliseconds: interval,
        withRefused: false,
      })
      if (handedIn > 0 || refused.length > 0) log.info('spool.handed_in', { handedIn, refused: refused.length, left })
    } catch (error) {
      log.warn('spool.not_handed_in', { error })
    }
  }
  const turn = () => {
    under = under.then(look)
  }
  turn()
  const timer = setInterval(turn, interval).unref()
  return async () => {
    stopped = true
    clearInterval(timer)
    await under
  }
}
