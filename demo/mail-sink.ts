import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type KeptMail = { from: string; to: string[]; login: string; receivedAt: string; text: string }

export type MailSink = { smtpPort: number; webUrl: string; mails: KeptMail[]; stop: () => Promise<void> }

const mostMails = 100

/**
 * Starts a mail server that keeps what it gets in memory and shows it on a page. It takes logins with tokens only, and asks
 * the authorization server about each.
 */
export async function startMailSink(check: (token: string) => Promise<{ active: boolean; username?: string }>): Promise<MailSink> {
  const mails: KeptMail[] = []
  const smtp = new SMTPServer({
    authMethods: ['XOAUTH2'],
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    banner: 'Keybearer demo',
    onAuth(auth, _session, done) {
      check(auth.accessToken ?? '').then(
        (answer) => {
          if (answer.active && answer.username === auth.username) done(null, { user: auth.username })
          else done(null, { data: { status: '401', schemes: 'bearer', scope: 'mail' } })
        },
        (error: Error) => done(error),
      )
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.unshift({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((one) => one.address),
          login: String(session.user ?? ''),
          receivedAt: new Date().toISOString(),
          text: Buffer.concat(chunks).toString('utf8'),
        })
        mails.splice(mostMails)
        done()
      })
    },
  })
  smtp.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    smtp.server.once('error', reject)
    smtp.listen(0, '127.0.0.1', resolve)
  })
  const web = await startPage(mails)
  return {
    smtpPort: (smtp.server.address() as AddressInfo).port,
    webUrl: `http://127.0.0.1:${(web.address() as AddressInfo).port}/mail`,
    mails,
    async stop() {
      web.closeAllConnections()
      await Promise.all([new Promise<void>((done) => smtp.close(() => done())), new Promise((done) => web.close(done))])
    },
  }
}

async function startPage(mails: KeptMail[]): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== '/mail') {
      response.writeHead(404).end('The mails are at /mail\n')
      return
    }
    const list =
      mails.length === 0
        ? 'No mail has come yet.\n'
        : mails.map((mail) => `--- ${mail.receivedAt}  from ${mail.from} (logged in as ${mail.login})  to ${mail.to.join(', ')}\n${mail.text}\n`).join('\n')
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }).end(list)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}
