import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientSecrets } from './rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { layOutPostfixClient } from './rig/postfix-client.ts'
import { freePorts } from './rig/ports.ts'
import { readRelayGuide } from './relay-guide.ts'
import { makeService, runCommand, type CommandResult, type TestService } from './service.ts'

const guide = readRelayGuide()
const used = new Set<string>()

describe('programs as the guide configures them, through the relay into a real mailbox', () => {
  let rig: MailRigAddresses
  let service: TestService
  let home: string
  let key: string
  let ports: { starttls: number; implicit: number }

  before(async () => {
    rig = readMailRig()
    const [starttls = 0, implicit = 0] = await freePorts(2)
    ports = { starttls, implicit }
    service = await makeService({
      KEYBEARER_CA_FILE: rig.caFile,
      KEYBEARER_RELAY_PORT: String(starttls),
      KEYBEARER_RELAY_TLS_PORT: String(implicit),
      KEYBEARER_RELAY_NAME: 'localhost',
    })
    await service.start()
    home = mkdtempSync(join(tmpdir(), 'keybearer-clients-'))
    mkdirSync(join(home, '.config'))
    const run = (...parts: string[]) => service.get(...parts.join(' ').split(' '))
    const secret = join(home, 'client-secret')
    writeFileSync(secret, clientSecrets['robot-post'])
    await run(
      `add robot --issuer ${rig.issuer} --grant client_credentials --client-id robot-post --client-auth client_secret_post`,
      `--client-secret-file ${secret} --user robot@rig.test --scope smtp.send --host localhost`,
    )
    await run(`sender add office --host localhost --port ${rig.submission.post} --credential robot --from robot@rig.test`)
    key = (await run('key create shop --credential robot --right mail')).trim()
    write(join(home, '.config', 'shop.key'), `${key}\n`)
  })
  after(async () => {
    await service?.remove()
    rmSync(home, { recursive: true, force: true })
  })

  /** Secrets are not for others, as the guide says. */
  const write = (file: string, text: string) => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, 0o600)
  }

  /** Puts the names of this machine in the place of those in the guide, and nothing else. */
  const fillIn = (text: string, subject: string, further: Record<string, string> = {}): string => {
    const names: Record<string, string> = {
      'keybearer.example.org': 'localhost',
      '/etc/keybearer/relay.pem': join(service.config, 'relay.pem'),
      '/etc/postfix': join(home, 'postfix', 'etc'),
      'anna@example.org': 'robot@rig.test',
      'bob@example.net': 'bob@rig.test',
      'kb_…': key,
      Report: subject,
      ...further,
    }
    const filled = Object.entries(names).reduce((all, [from, to]) => all.replaceAll(from, to), text)
    return filled.replace(/\b587\b/g, String(ports.starttls)).replace(/\b465\b/g, String(ports.implicit))
  }

  /** Returns the blocks of a section, in this order of languages: otherwise the guide says something that is not tried here. */
  const blocksOf = (title: string, languages: string[]): string[] => {
    const blocks = guide.get(title) ?? assert.fail(`the guide has no section ${title}`)
    assert.deepEqual(
      blocks.map((block) => block.language),
      languages,
    )
    used.add(title)
    return blocks.map((block) => block.code)
  }

  const inShell = async (script: string, further: Record<string, string> = {}): Promise<CommandResult> => {
    const result = await runCommand(['sh', '-euc', `cd "$HOME"\n${script}`], { PATH: '/usr/local/sbin:/usr/sbin:/usr/bin:/bin', HOME: home, ...further })
    assert.equal(result.status, 0, `${result.stderr}${result.stdout}\n${service.output().slice(-1500)}`)
    return result
  }

  /** The mail is in the mailbox once, from the sender, and came over TLS with a login. */
  const arrives = async (subject: string, body: RegExp = /^All is well\.$/m) => {
    const mail = await waitForMail(rig, 'bob', `Subject: ${subject}`)
    assert.match(mail, body)
    assert.match(mail, /^From: .*robot@rig\.test/m)
    assert.match(mail, /\(Keybearer\) with ESMTPSA;/)
    assert.equal(countMails(rig, 'bob', `Subject: ${subject}`), 1)
  }
  const subjectOf = (program: string) => `${program}-${Date.now()}`

  it('msmtp', async () => {
    const [config = '', command = ''] = blocksOf('msmtp', ['ini', 'sh'])
    for (const [way, port, starttls] of [
      ['starttls', 'port 587', 'tls on'],
      ['implicit', 'port 465', 'tls on\ntls_starttls off'],
    ] as const) {
      const subject = subjectOf(`msmtp-${way}`)
      write(join(home, '.msmtprc'), fillIn(config.replace('port 587', port).replace('tls on', starttls), subject))
      await inShell(fillIn(command, subject))
      await arrives(subject)
    }
  })

  it('swaks', async () => {
    const subject = subjectOf('swaks')
    const [command = ''] = blocksOf('swaks', ['sh'])
    const { stdout } = await inShell(fillIn(command, subject))
    assert.match(stdout, /<~ +250 2\.6\.0 Accepted as msg_/)
    assert.ok(!stdout.includes(key))
    await arrives(subject)
  })

  it('curl', async () => {
    const subject = subjectOf('curl')
    const [command = ''] = blocksOf('curl', ['sh'])
    await inShell(fillIn(command, subject))
    await arrives(subject)
  })

  it('Python', async () => {
    const subject = subjectOf('python')
    const [program = ''] = blocksOf('Python', ['python'])
    write(join(home, 'send.py'), fillIn(program, subject))
    await inShell('python3 send.py')
    await arrives(subject)
    const implicit = subjectOf('python-implicit')
    const overTls = program
      .replace('smtplib.SMTP("keybearer.example.org", 587)', 'smtplib.SMTP_SSL("keybearer.example.org", 465, context=context)')
      .replace(/ +relay\.starttls\(context=(.*)\)\n/, '')
      .replace('key = Path', 'context = ssl.create_default_context(cafile="/etc/keybearer/relay.pem")\nkey = Path')
    write(join(home, 'send.py'), fillIn(overTls, implicit))
    await inShell('python3 send.py')
    await arrives(implicit)
  })

  it('git send-email', async () => {
    const [config = '', command = ''] = blocksOf('git send-email', ['ini', 'sh'])
    for (const way of ['starttls', 'implicit'] as const) {
      const subject = subjectOf(`git-${way}`)
      const changed = way === 'starttls' ? config : config.replaceAll('587', '465').replace('smtpEncryption = tls', 'smtpEncryption = ssl')
      write(join(home, '.gitconfig'), fillIn(changed, subject))
      await inShell(
        `rm -rf repository; git init -q repository; cd repository
         git config user.email robot@rig.test; git config user.name Robot
         echo change > file; git add file; git commit -q -m '${subject}'
         ${fillIn(command, subject)}`,
      )
      const mail = await waitForMail(rig, 'bob', subject)
      assert.match(mail, /^Subject: \[PATCH\] /m)
      assert.match(mail, /^\+change$/m)
      assert.match(mail, /with ESMTPSA;/)
    }
  })

  it('s-nail', async () => {
    const subject = subjectOf('s-nail')
    const [config = '', netrc = '', command = ''] = blocksOf('s-nail', ['text', 'text', 'sh'])
    write(join(home, '.mailrc'), fillIn(config, subject))
    write(join(home, '.netrc'), fillIn(netrc, subject))
    // As root it looks for its files in root's own home, whatever HOME says.
    await inShell(fillIn(command, subject), { MAILRC: join(home, '.mailrc'), NETRC: join(home, '.netrc') })
    await arrives(subject)
  })

  it('Postfix as a null client with the relay as its relayhost', async () => {
    const subject = subjectOf('postfix')
    const [main = '', passwords = '', prepare = '', command = ''] = blocksOf('Postfix', ['ini', 'text', 'sh', 'sh'])
    const { etc, start } = layOutPostfixClient(join(home, 'postfix'), fillIn(main, subject))
    write(join(etc, 'keybearer'), fillIn(passwords, subject))
    chmodSync(home, 0o755)
    // The certificate lies where its user may not go.
    chmodSync(service.folder, 0o755)
    chmodSync(service.config, 0o755)
    await inShell(fillIn(prepare, subject), { MAIL_CONFIG: etc })
    const stop = await start()
    try {
      await inShell(fillIn(command, subject), { MAIL_CONFIG: etc })
      await arrives(subject).catch((error: unknown) => {
        const log = join(home, 'postfix', 'postfix.log')
        throw new Error(existsSync(log) ? readFileSync(log, 'utf8').slice(-1500) : String(error), { cause: error })
      })
    } finally {
      await stop()
    }
  })

  it('nodemailer', async () => {
    const subject = subjectOf('nodemailer')
    const [program = ''] = blocksOf('Node.js', ['js'])
    symlinkSync(join(import.meta.dirname, '..', 'node_modules'), join(home, 'node_modules'))
    for (const [way, change] of [
      ['starttls', (text: string) => text],
      ['implicit', (text: string) => text.replace('port: 587', 'port: 465').replace('requireTLS: true', 'secure: true')],
    ] as const) {
      write(join(home, 'send.mjs'), fillIn(change(program), `${subject}-${way}`))
      await inShell(`${process.execPath} send.mjs`)
      await arrives(`${subject}-${way}`)
    }
  })

  it('no program of the guide is left out', () => {
    assert.deepEqual([...used].sort(), [...guide.keys()].sort())
  })

  it('a program that trusts another certificate sends nothing, and its key does not leave it', async () => {
    const [config = ''] = blocksOf('msmtp', ['ini', 'sh'])
    write(join(home, '.msmtprc'), fillIn(config, 'x', { '/etc/keybearer/relay.pem': rig.caFile }))
    const result = await runCommand(['sh', '-euc', 'echo | msmtp -d -a keybearer bob@rig.test'], { PATH: '/usr/bin:/bin', HOME: home })
    assert.notEqual(result.status, 0)
    assert.match(result.stdout + result.stderr, /certificate/i)
    assert.doesNotMatch(result.stdout, /--> AUTH/)
  })
})
