import { performance } from 'node:perf_hooks'
import { createTransport } from 'nodemailer'
import { Secret } from '../src/base/secret.ts'
import { SmtpSender } from '../src/mail/smtp-sender.ts'
import { openMail } from '../test/mail-world.ts'
import { makePlace, openWorld, tester } from '../test/world.ts'
import { startChild } from './processes.ts'
import { compare, inTurns, type Compared } from './statistics.ts'

const account = { user: 'anna@example.org', password: 'bench-password-of-no-value' }
const envelope = { from: account.user, to: ['bob@example.org'] }
const mime = [
  `From: ${envelope.from}`,
  `To: ${envelope.to[0]}`,
  'Subject: The nightly report',
  'Message-ID: <bench@example.org>',
  'Content-Type: text/plain; charset=utf-8',
  '',
  ...Array.from({ length: 30 }, (_, i) => `Line ${i} of a report that says that all went well, as every night.`),
  '',
].join('\r\n')

/**
 * Sends mails one after the other through a sender, with its credential, permission and record, in turns with nodemailer
 * alone. Both keep one connection to the same server.
 */
export async function measureMail(options: { mails: number; rounds: number }): Promise<Compared> {
  const sink = startChild<{ password: string }, { port: number }>('mail-sink.ts')
  const place = await makePlace('sqlite')
  const world = await openWorld(place)
  const mail = openMail(world)
  const smtp = new SmtpSender(mail.context)
  const { port } = await sink.ask({ password: account.password })
  const alone = createTransport({
    pool: true,
    maxConnections: 1,
    // As many as ours sends before it connects anew, which is also nodemailer's own default.
    maxMessages: 100,
    host: '127.0.0.1',
    port,
    ignoreTLS: true,
    auth: { user: account.user, pass: account.password },
  })
  try {
    await world.credentials.create(
      { name: 'mail', kind: 'basic', username: account.user, secret: new Secret(account.password), allowedHosts: ['127.0.0.1'] },
      tester,
    )
    const sender = await mail.senders.create({ name: 'bench', host: '127.0.0.1', port, tls: 'none', credential: 'mail', from: account.user }, tester)
    const perSecond = async (send: () => Promise<void>): Promise<number> => {
      const startedAt = performance.now()
      for (let i = 0; i < options.mails; i++) await send()
      return (options.mails * 1000) / (performance.now() - startedAt)
    }
    const ours = () =>
      perSecond(async () => {
        const delivery = await smtp.deliver(sender, envelope, mime, tester)
        if (delivery.kind !== 'sent') throw new Error(`a mail was not sent: ${JSON.stringify(delivery)}`)
      })
    const theirs = () => perSecond(async () => void (await alone.sendMail({ envelope, raw: mime })))
    await theirs()
    await ours()
    return compare(await inTurns(options.rounds, ours, theirs))
  } finally {
    alone.close()
    smtp.close()
    await mail.close()
    await world.close()
    await place.remove()
    sink.stop()
  }
}
