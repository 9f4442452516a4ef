import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { approve } from './rig/agent.ts'
import { clientSecrets } from './rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { makeService, runCommand, type TestService } from './service.ts'

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
    const secret = fileWith(clientSecrets['robot-post'])
    await service.get(
      ...['add', 'robot', '--issuer', rig.issuer, '--grant', 'client_credentials', '--client-id', 'robot-post', '--client-auth', 'client_secret_post'],
      ...['--client-secret-file', secret, '--user', 'robot@rig.test', '--scope', 'smtp.send', '--host', 'localhost'],
    )
  })
  after(async () => {
    await service?.remove()
  })

  const fileWith = (text: string): string => {
    const file = join(service.folder, 'client-secret')
    writeFileSync(file, text)
    return file
  }

  /** Makes a credential of a person, who signs in and consents. */
  const connectAlice = async () => {
    await service.get(
      ...['add', 'alice', '--issuer', rig.issuer, '--client-id', 'web-basic', '--client-auth', 'client_secret_basic'],
      ...['--client-secret-file', fileWith(clientSecrets['web-basic']), '--scope', 'openid,email,offline_access,smtp.send', '--host', 'localhost'],
    )
    const { registration } = JSON.parse(await service.get('show', 'alice', '--json')) as { registration: { id: string } }
    const started = await fetch(`${service.url}/v1/credentials/alice/consent`, {
      method: 'POST',
      headers: { authorization: `Bearer ${readFileSync(join(service.config, 'access-key'), 'utf8').trim()}`, 'content-type': 'application/json' },
      body: '{"mode":"browser"}',
    })
    const { authorization_url } = (await started.json()) as { authorization_url: string }
    const answer = await approve(authorization_url, { user: 'alice', stop: `${service.url}/oauth/callback/${registration.id}`, ca: rig.ca })
    assert.equal((await fetch(answer)).status, 200)
  }

  const letterOf = (subject: string) => `From: robot@rig.test\nTo: bob@rig.test\nSubject: ${subject}\nMIME-Version: 1.0\n\nbody of ${subject}\n.leading dot\n`
  const inShell = async (script: string, input?: string) => await runCommand(['sh', '-euc', script], environment, input)

  for (const mechanism of ['XOAUTH2', 'OAUTHBEARER']) {
    it(`keybearer send with ${mechanism}: the mail is in the recipient's mailbox`, async () => {
      const name = mechanism.toLowerCase()
      await service.get(
        ...['sender', 'add', name, '--host', 'localhost', '--port', String(rig.submission.post), '--credential', 'robot', '--from', 'robot@rig.test'],
        ...['--mechanism', mechanism],
      )
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
