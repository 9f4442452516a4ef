import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientSecrets } from './rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { makeService, runCommand, type TestService } from './service.ts'

describe('programs that send by /usr/sbin/sendmail, with Keybearer in its place, into a real mailbox', () => {
  let rig: MailRigAddresses
  let service: TestService
  let environment: Record<string, string>
  let sendmail = ''
  let count = 0

  before(async () => {
    rig = readMailRig()
    service = await makeService({ KEYBEARER_CA_FILE: rig.caFile })
    await service.start()
    const bin = join(service.folder, 'bin')
    mkdirSync(bin)
    // As the guide has it: a script that says where Node is, and a link of the name sendmail.
    sendmail = join(bin, 'sendmail')
    mkdirSync(join(bin, 'link'))
    symlinkSync(join(import.meta.dirname, '..', 'bin', 'keybearer.js'), join(bin, 'link', 'sendmail'))
    writeFileSync(
      sendmail,
      `#!/bin/sh\nexport KEYBEARER_SENDMAIL_ALIASES=${join(bin, 'aliases')}\nexec ${process.execPath} --disable-warning=ExperimentalWarning ${join(bin, 'link', 'sendmail')} "$@"\n`,
    )
    chmodSync(sendmail, 0o755)
    writeFileSync(join(bin, 'aliases'), 'root: bob@rig.test\n')
    writeFileSync(join(service.folder, 'client-secret'), clientSecrets['robot-post'])
    environment = { ...service.environment, EMAIL: 'robot@rig.test', LOGNAME: 'robot', GIT_CONFIG_GLOBAL: '/dev/null' }
    await run(
      `add robot --issuer ${rig.issuer} --grant client_credentials --client-id robot-post --client-auth client_secret_post`,
      `--client-secret-file ${join(service.folder, 'client-secret')} --user robot@rig.test --scope smtp.send --host localhost`,
    )
    await run(`sender add office --host localhost --port ${rig.submission.post} --credential robot --from robot@rig.test --default`)
  })
  after(async () => {
    await service?.remove()
  })

  const run = (...parts: string[]) => service.get(...parts.join(' ').split(' '))
  const inShell = async (script: string, input?: string) => {
    const result = await runCommand(['sh', '-euc', script], environment, input)
    assert.equal(result.status, 0, `${result.stderr}${result.stdout}`)
    return result
  }
  const next = (who: string) => `sendmail by ${who} ${Date.now()} ${(count += 1)}`
  const arrives = async (subject: string) => {
    const text = await waitForMail(rig, 'bob', subject)
    assert.equal(countMails(rig, 'bob', subject), 1)
    return text
  }

  it('PHP: mail() with sendmail_path', async () => {
    const subject = next('PHP')
    const code = `exit(mail('bob@rig.test', '${subject}', "Hello,\\n.\\nafter a dot\\n", ['From' => 'Shop <robot@rig.test>', 'Bcc' => 'alice@rig.test']) ? 0 : 1);`
    await inShell(`php -d sendmail_path="${sendmail} -t -i" -r "$CODE"`.replace('$CODE', code.replace(/["$\\`]/g, '\\$&')))
    const text = await arrives(subject)
    assert.match(text, /^From: Shop <robot@rig\.test>/m)
    assert.match(text, /after a dot/)
    assert.doesNotMatch(text, /^bcc/im)
    await waitForMail(rig, 'alice', subject)
  })

  it('PHP learns that a message was refused', async () => {
    const code = `exit(mail('bob@rig.test', 'x', 'y', ['From' => 'eve@elsewhere.example']) ? 0 : 1);`
    const result = await runCommand(['php', '-d', `sendmail_path=${sendmail} -t -i`, '-r', code], environment)
    assert.equal(result.status, 1)
    assert.match(result.stderr, /belongs to no sender/)
  })

  it('cron: what a job printed, to the user whose job it is', async () => {
    const subject = next('cron')
    const letter = `From: root (Cron Daemon)\nTo: root\nSubject: ${subject}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nX-Cron-Env: <SHELL=/bin/sh>\n\nnothing left on /dev/sda1\n`
    // cron gives little of an environment, and reads no answer.
    const result = await runCommand(
      [
        '/usr/bin/env',
        '-i',
        `HOME=${environment.HOME}`,
        'PATH=/usr/bin:/bin',
        `KEYBEARER_CONFIG=${service.config}`,
        `KEYBEARER_PORT=${new URL(service.url).port}`,
        sendmail,
        '-FCronDaemon',
        '-i',
        '-B8BITMIME',
        '-oem',
        'root',
      ],
      {},
      letter,
    )
    assert.deepEqual([result.status, result.stdout, result.stderr], [0, '', ''])
    const text = await arrives(subject)
    assert.match(text, /^From: Cron Daemon <robot@rig\.test>/m)
    assert.match(text, /nothing left/)
  })

  it('git send-email with --sendmail-cmd', async () => {
    const subject = next('git')
    const repository = join(service.folder, 'repository')
    await inShell(`
      git init -q ${repository} && cd ${repository}
      git config user.name Robot && git config user.email robot@rig.test
      echo one > file && git add file && git commit -q -m one
      echo two > file && git commit -q -a -m "${subject}"
      git send-email --quiet --confirm=never --from 'Robot <robot@rig.test>' --to bob@rig.test --envelope-sender=auto --sendmail-cmd='${sendmail}' -1`)
    assert.match(await arrives(`[PATCH] ${subject}`), /^\+two/m)
  })

  it('s-nail, the mail and mailx of Debian, with mta', async () => {
    const subject = next('s-nail')
    await inShell(`s-nail -n -S mta=${sendmail} -S sendwait -r robot@rig.test -s "${subject}" -b alice@rig.test bob@rig.test`, 'from a pipe\n.dot\n')
    const text = await arrives(subject)
    assert.match(text, /from a pipe/)
    assert.match(text, /^\.?\.dot/m)
    await waitForMail(rig, 'alice', subject)
  })

  it('mutt with sendmail', async () => {
    const subject = next('mutt')
    writeFileSync(
      join(service.folder, 'muttrc'),
      `set sendmail="${sendmail} -oem -oi"\nset from=robot@rig.test\nset use_envelope_from=yes\nset sendmail_wait=0\nset copy=no\n`,
    )
    writeFileSync(join(service.folder, 'note.txt'), 'attached text\n')
    await inShell(`mutt -n -F ${join(service.folder, 'muttrc')} -s "${subject}" -a ${join(service.folder, 'note.txt')} -- bob@rig.test`, 'see the file\n')
    assert.match(await arrives(subject), /filename="?note\.txt/)
  })

  it('Python, by its standard library', async () => {
    const subject = next('Python')
    await inShell(`python3 - ${sendmail} <<'EOF'
import subprocess, sys
from email.message import EmailMessage
message = EmailMessage()
message['From'], message['To'], message['Subject'] = 'robot@rig.test', 'Bob <bob@rig.test>', '${subject}'
message.set_content('Grüße\\n')
subprocess.run([sys.argv[1], '-t', '-oi'], input=message.as_bytes(), check=True)
EOF`)
    await arrives(subject)
  })
})
