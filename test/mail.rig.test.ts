import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Secret } from '../src/base/secret.ts'
import type { MessageView, NewSender } from '../src/mail/types.ts'
import type { NewRegistration } from '../src/credentials/types.ts'
import { Agent } from './rig/agent.ts'
import { clientSecrets } from './rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { openMail, until, untilDelayed, type MailWorld } from './mail-world.ts'
import { makeService, runCommand, type TestService } from './service.ts'
import { makePlace, openWorld, tester, type Place, type World } from './world.ts'

describe('mail through a real Dovecot that checks tokens at a real authorization server, with Postfix behind it', () => {
  let rig: MailRigAddresses
  let place: Place
  let world: World
  let mail: MailWorld
  let n = 0

  before(async () => {
    rig = readMailRig()
    place = await makePlace('sqlite')
    world = await openWorld(place, { ca: rig.ca })
    mail = openMail(world, { ca: rig.ca, maxBytes: 15_000_000 })
    const { description } = await world.providers.discover({ issuer: rig.issuer, id: 'rig', name: 'Rig' }, tester)
    await world.providers.create({ ...description, grants: ['client_credentials', 'authorization_code'] }, tester)
    mail.outbox.start()
  })
  after(async () => {
    await mail.close()
    await world.close()
    await place.remove()
  })

  const robot = async (
    resource?: string,
    client: Partial<NewRegistration> & { clientId: string } = {
      clientId: 'robot-post',
      clientSecret: new Secret(clientSecrets['robot-post']),
      clientAuth: 'client_secret_post',
    },
  ) => {
    n += 1
    return await world.credentials.create(
      {
        name: `robot-${n}`,
        kind: 'oauth2',
        grant: 'client_credentials',
        username: 'robot@rig.test',
        scopes: ['smtp.send'],
        allowedHosts: ['localhost', '127.0.0.1', '127.0.0.2'],
        registration: { name: `robot-${n}`, provider: 'rig', ...client },
        ...(resource === undefined ? {} : { options: { resource: [resource] } }),
      },
      tester,
    )
  }
  const sender = async (credential: string, input: Partial<NewSender> & { port: number }) =>
    await mail.senders.create({ name: `s${(n += 1)}`, host: 'localhost', credential, from: 'robot@rig.test', ...input }, tester)
  const send = async (through: string, subject: string, further: object = {}): Promise<MessageView> =>
    await mail.outbox.accept({ sender: through, to: ['bob@rig.test'], subject, text: `body of ${subject}\n.leading dot\n`, ...further }, tester)
  const settled = async (id: string): Promise<MessageView> =>
    await until(
      'the message is settled',
      async () => {
        const view = await mail.outbox.get(id)
        return view.status === 'sent' || view.status === 'failed' || (view.status === 'queued' && view.attempts > 0) ? view : undefined
      },
      60,
    )
  const arrives = async (through: string, subject: string, further: object = {}) => {
    const message = await settled((await send(through, subject, further)).id)
    assert.equal(message.status, 'sent', JSON.stringify(message.problem))
    return await waitForMail(rig, 'bob', subject)
  }

  for (const mechanism of ['XOAUTH2', 'OAUTHBEARER'] as const) {
    for (const tls of ['starttls', 'implicit'] as const) {
      it(`${mechanism} over ${tls}: the mail is in the recipient's mailbox`, async () => {
        const credential = await robot()
        const through = await sender(credential.id, { mechanism, tls, port: tls === 'implicit' ? rig.submissions.post : rig.submission.post })
        const text = await arrives(through.id, `${mechanism} ${tls} ${Date.now()}`)
        assert.match(text, /body of/)
      })
    }
  }

  it('chooses the mechanism from what the server offers', async () => {
    const credential = await robot()
    await arrives((await sender(credential.id, { port: rig.submission.post })).id, `auto ${Date.now()}`)
  })

  it('a token that is too long for the AUTH line (a signed RS256 JWT) goes in a line of its own', async () => {
    const credential = await robot('urn:rig:mail:jwt')
    const token = await world.credentials.handOut(credential.id, { purpose: 'mail', actor: tester })
    assert.ok(token.accessToken.length > 600)
    for (const mechanism of ['XOAUTH2', 'OAUTHBEARER'] as const) {
      const through = await sender(credential.id, { mechanism, port: rig.submission.local })
      await arrives(through.id, `long ${mechanism} ${Date.now()}`)
    }
  })

  it('logs in as one account and sends as a shared mailbox', async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post, from: 'shared@rig.test', login: 'robot@rig.test', fromName: 'Shared' })
    const text = await arrives(through.id, `shared ${Date.now()}`)
    assert.match(text, /^From: Shared <shared@rig.test>/m)
  })

  it("a forged sender is refused for good, with the server's words and a next step", async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post, from: 'alice@rig.test' })
    const message = await settled((await send(through.id, `forged ${Date.now()}`)).id)
    assert.equal(message.status, 'failed')
    assert.match(message.problem?.reply ?? '', /553/)
    assert.equal(message.recipients[0]?.state, 'refused')
  })

  it('one bad recipient does not keep the mail from the others', async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post })
    const subject = `mixed ${Date.now()}`
    const message = await settled((await send(through.id, subject, { to: ['bob@rig.test', 'nobody@rig.test'] })).id)
    await waitForMail(rig, 'bob', subject)
    assert.deepEqual(
      message.recipients.map((one) => one.state),
      ['sent', 'refused'],
    )
  })

  it('text, HTML, attachments, cc, bcc and reply-to arrive, and nobody sees the bcc', async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post })
    const subject = `Grüße ${Date.now()}`
    const message = await settled(
      (
        await send(through.id, subject, {
          to: ['Bob <bob@rig.test>'],
          cc: ['alice@rig.test'],
          bcc: ['shared@rig.test'],
          replyTo: 'robot@rig.test',
          html: '<p>Grüße</p>',
          attachments: [{ filename: 'räksmörgås.txt', contentType: 'text/plain', content: Buffer.from('inside').toString('base64') }],
        })
      ).id,
    )
    assert.equal(message.status, 'sent')
    const mark = message.messageId
    const texts = await Promise.all(['bob', 'alice', 'shared'].map((person) => waitForMail(rig, person, mark)))
    for (const text of texts) {
      assert.ok(!/^bcc:/im.test(text) && !text.includes('shared@rig.test>,'))
      assert.match(text, /^Reply-To: robot@rig.test/m)
      assert.match(text, /multipart\/mixed/)
    }
  })

  it('a token that was revoked at the provider is renewed once and the mail goes out', async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post })
    const token = await world.credentials.handOut(credential.id, { purpose: 'mail', actor: tester })
    const body = new URLSearchParams({ token: token.accessToken.reveal(), client_id: 'robot-post', client_secret: clientSecrets['robot-post'] }).toString()
    const answer = await world.context.http({
      method: 'POST',
      url: `${rig.issuer}/token/revocation`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    assert.equal(answer.status, 200)
    // Older than ten seconds, as it would be: a brand-new token that is refused is not renewed again.
    await world.store.db
      .updateTable('credentials')
      .set({ token_obtained_at: Date.now() - 60_000 })
      .where('id', '=', credential.id)
      .execute()
    await world.credentials.pause(credential.id, tester)
    await world.credentials.resume(credential.id, tester)
    await arrives(through.id, `renewed ${Date.now()}`)
  })

  it('while the authorization server hangs the message waits, and goes out when it is back', async () => {
    const credential = await robot()
    const through = await sender(credential.id, { port: rig.submission.post })
    await world.credentials.handOut(credential.id, { purpose: 'mail', actor: tester })
    const control = async (what: string) => await world.context.http({ method: 'PUT', url: `${rig.control}/${what}` })
    await control('hang')
    const subject = `patient ${Date.now()}`
    const message = await send(through.id, subject)
    const first = await settled(message.id)
    await control('go-on')
    assert.equal(first.status, 'queued')
    // On a slow machine the token is old enough to be renewed when the login has failed, and the provider says nothing either.
    assert.equal(first.problem?.code, 'mail_unavailable', JSON.stringify(first.problem))
    // Dovecot takes a while to notice; the outbox would try again by itself in half a minute.
    const last = await until(
      'the message is sent',
      async () => {
        const view = await mail.outbox.get(message.id)
        if (view.status === 'queued') await mail.outbox.retry(message.id, tester).catch(() => undefined)
        await new Promise((done) => setTimeout(done, 500))
        return view.status === 'sent' ? view : undefined
      },
      90,
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)} ${JSON.stringify(await mail.outbox.get(message.id))}`)
    })
    assert.ok(last.attempts >= 2)
    await waitForMail(rig, 'bob', subject)
    assert.equal(countMails(rig, 'bob', subject), 1)
  })

  it('a token without the scope for mail is refused, says so, and stays visible', async () => {
    n += 1
    const credential = await world.credentials.create(
      {
        name: `noscope-${n}`,
        kind: 'oauth2',
        grant: 'client_credentials',
        username: 'robot@rig.test',
        scopes: ['imap.access'],
        allowedHosts: ['localhost'],
        registration: {
          name: `noscope-${n}`,
          provider: 'rig',
          clientId: 'robot-post',
          clientSecret: new Secret(clientSecrets['robot-post']),
          clientAuth: 'client_secret_post',
        },
      },
      tester,
    )
    const through = await sender(credential.id, { port: rig.submission.post })
    const message = await settled((await send(through.id, `noscope ${Date.now()}`)).id)
    assert.equal(message.problem?.code, 'mail_auth_refused')
    assert.match(message.problem?.reply ?? '', /535/)
    await mail.outbox.cancel(message.id, tester)
  })

  it('N1: a server whose certificate is not trusted gets no token', async () => {
    const stranger = openMail(world, {})
    stranger.outbox.start()
    try {
      const credential = await robot()
      const through = await sender(credential.id, { port: rig.submission.post })
      await mail.outbox.stop()
      const message = await stranger.outbox.accept({ sender: through.id, to: ['bob@rig.test'], subject: 'no', text: 'no' }, tester)
      const view = await untilDelayed(stranger, message.id)
      assert.match(view.problem?.message ?? '', /certificate|secure/i)
    } finally {
      await stranger.close()
    }
  })
})

describe('mail from the command line, through a real Dovecot and Postfix', () => {
  let rig: MailRigAddresses
  let service: TestService
  let environment: Record<string, string>

  before(async () => {
    rig = readMailRig()
    service = await makeService({ KEYBEARER_CA_FILE: rig.caFile })
    await service.start()
    // The command as an installed one would be found.
    const bin = join(service.folder, 'bin')
    mkdirSync(bin)
    writeFileSync(
      join(bin, 'keybearer'),
      `#!/bin/sh\nexec ${process.execPath} --disable-warning=ExperimentalWarning ${join(import.meta.dirname, '..', 'bin', 'keybearer.js')} "$@"\n`,
    )
    chmodSync(join(bin, 'keybearer'), 0o755)
    environment = { ...service.environment, PATH: `${bin}:${service.environment.PATH}` }
    await run(
      `add robot --issuer ${rig.issuer} --grant client_credentials --client-id robot-post --client-auth client_secret_post`,
      `--client-secret-file ${fileWith(clientSecrets['robot-post'])} --user robot@rig.test --scope smtp.send --host localhost`,
    )
  })
  after(async () => {
    await service?.remove()
  })

  const run = (...parts: string[]) => service.get(...parts.join(' ').split(' '))
  const fileWith = (text: string): string => {
    const file = join(service.folder, 'client-secret')
    writeFileSync(file, text)
    return file
  }

  /** Makes a credential of a person, who signs in and consents. */
  const connectAlice = async () => {
    await run(
      `add alice --issuer ${rig.issuer} --client-id web-basic --client-auth client_secret_basic`,
      `--client-secret-file ${fileWith(clientSecrets['web-basic'])} --scope openid,email,offline_access,smtp.send --host localhost`,
    )
    const started = await fetch(`${service.url}/v1/credentials/alice/consent`, {
      method: 'POST',
      headers: { authorization: `Bearer ${readFileSync(join(service.config, 'access-key'), 'utf8').trim()}`, 'content-type': 'application/json' },
      body: '{"mode":"browser"}',
    })
    const { authorization_url } = (await started.json()) as { authorization_url: string }
    const visit = await new Agent({ user: 'alice', ca: rig.ca }).visit(authorization_url)
    assert.match(visit.text, /is connected/)
  }

  const letterOf = (subject: string) => `From: robot@rig.test\nTo: bob@rig.test\nSubject: ${subject}\nMIME-Version: 1.0\n\nbody of ${subject}\n.leading dot\n`
  const inShell = async (script: string, input?: string) => await runCommand(['sh', '-euc', script], environment, input)

  for (const mechanism of ['XOAUTH2', 'OAUTHBEARER']) {
    it(`keybearer send with ${mechanism}: the mail is in the recipient's mailbox`, async () => {
      const name = mechanism.toLowerCase()
      await run(`sender add ${name} --host localhost --port ${rig.submission.post} --credential robot --from robot@rig.test --mechanism ${mechanism}`)
      const subject = `send by ${mechanism} ${Date.now()}`
      const sent = await service.cli(['send', '--sender', name, '--to', 'bob@rig.test', '--subject', subject, '--text-file', '-'], { input: 'Hello.\n' })
      assert.deepEqual([sent.status, sent.stderr], [0, ''])
      assert.match(sent.stdout, /^msg_\w+ sent\n$/)
      assert.match(await waitForMail(rig, 'bob', subject), /^From: robot@rig.test/m)
      assert.equal(countMails(rig, 'bob', subject), 1)
    })
  }

  for (const mechanism of ['xoauth2', 'oauthbearer']) {
    it(`msmtp logs in with ${mechanism} and a token from passwordeval, and delivers`, async () => {
      const subject = `msmtp by ${mechanism} ${Date.now()}`
      const file = join(service.folder, `msmtprc-${mechanism}`)
      writeFileSync(
        file,
        [
          'account work',
          'host localhost',
          `port ${rig.submission.post}`,
          'tls on',
          `tls_trust_file ${rig.caFile}`,
          `auth ${mechanism}`,
          'user robot@rig.test',
          'from robot@rig.test',
          'passwordeval keybearer token robot',
          '',
        ].join('\n'),
        { mode: 0o600 },
      )
      const result = await inShell(`msmtp -C "${file}" -a work bob@rig.test`, letterOf(subject))
      assert.equal(result.status, 0, result.stderr)
      assert.match(await waitForMail(rig, 'bob', subject), /^\.leading dot$/m)
    })
  }

  const curl = async (credential: string, port: number, subject: string) => {
    const file = join(service.folder, 'message.txt')
    writeFileSync(file, letterOf(subject))
    return await inShell(
      `printf 'oauth2-bearer = "%s"\\n' "$(keybearer token ${credential})" |
         curl --config - -sSv --ssl-reqd --cacert "${rig.caFile}" smtp://localhost:${port} --user ${credential}@rig.test \\
           --mail-from ${credential}@rig.test --mail-rcpt bob@rig.test --upload-file "${file}"`,
    )
  }

  it('curl logs in with OAUTHBEARER and a token that stands on no command line, and delivers', async () => {
    const subject = `curl by OAUTHBEARER ${Date.now()}`
    const result = await curl('robot', rig.submission.post, subject)
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stderr, /> AUTH OAUTHBEARER/)
    await waitForMail(rig, 'bob', subject)
  })

  it('curl logs in with XOAUTH2 where nothing else is offered, with the token of a person, and delivers', async () => {
    await connectAlice()
    const subject = `curl by XOAUTH2 ${Date.now()}`
    const result = await curl('alice', rig.submission.auth, subject)
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stderr, /> AUTH XOAUTH2/)
    await waitForMail(rig, 'bob', subject)
  })

  it('a program that is given no token does not get in', async () => {
    const result = await inShell(
      `printf 'oauth2-bearer = "%s"\\n' nonsense |
         curl --config - -sSv --ssl-reqd --cacert "${rig.caFile}" smtp://localhost:${rig.submission.post} --user robot@rig.test \\
           --mail-from robot@rig.test --mail-rcpt bob@rig.test --upload-file /etc/hostname`,
    )
    assert.equal(result.status, 67, result.stderr)
  })
})
