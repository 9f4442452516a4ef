import { createServer, type Server } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type KeptMail = { from: string; to: string[]; login: string; receivedAt: string; text: string }

export type MailSink = { smtpPort: number; webUrl: string; mails: KeptMail[]; stop: () => Promise<void> }

const mostMails = 100

/**
 * Starts a mail server that keeps what it gets in memory and shows it on a page. It takes logins with tokens only, and asks
 * the authorization server about each. A port that is taken is replaced by a free one.
 */
export async function startMailSink(
  check: (token: string) => Promise<{ active: boolean; username?: string }>,
  ports: { smtp: number; web: number } = { smtp: 0, web: 0 },
): Promise<MailSink> {
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
  await listen(smtp.server, ports.smtp)
  const web = makePage(mails)
  await listen(web, ports.web)
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

function makePage(mails: KeptMail[]): Server {
  return createServer((request, response) => {
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
}

async function listen(server: NetServer, port: number): Promise<void> {
  const begin = (at: number) =>
    new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen(at, '127.0.0.1', () => {
        server.off('error', fail)
        done()
      })
    })
  await begin(port).catch(async (error: NodeJS.ErrnoException) => {
    if (port === 0 || error.code !== 'EADDRINUSE') throw error
    await begin(0)
  })
}
