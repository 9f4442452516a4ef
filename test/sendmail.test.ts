import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { MailServer } from './mail-server.ts'
import { until } from './mail-world.ts'
import { makeService, runCommand, type CommandResult, type TestService } from './service.ts'
import { mountSmallDisk } from './small-disk.ts'

const entry = join(import.meta.dirname, '..', 'bin', 'keybearer.js')
const letter = (subject: string, further = '') => `Subject: ${subject}\nTo: bob@example.net\n${further}\nbody of ${subject}\n`

describe('keybearer sendmail', () => {
  let server: MailServer
  let service: TestService
  let spool = ''
  let count = 0

  before(async () => {
    server = await new MailServer({ mechanisms: [] }).listen()
    service = await makeService({ KEYBEARER_MAIL_MAX_BYTES: '200000' })
    spool = join(service.folder, '.local/state/keybearer/spool')
    await service.start()
  })
  beforeEach(async () => {
    if (!(await isUp())) await service.start()
  })
  after(async () => {
    await service?.remove()
    await server?.close()
  })

  const isUp = () =>
    fetch(`${service.url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
  const sendmail = (words: string, input = '', environment: Record<string, string> = {}): Promise<CommandResult> =>
    service.cli(['sendmail', ...words.split(' ')], { input, environment })
  const next = (what: string) => `${what} ${(count += 1)}.`
  const arrived = (subject: string) => server.mails.filter((mail) => mail.data.includes(`Subject: ${subject}\r\n`))
  const waiting = () => (existsSync(spool) ? readdirSync(spool).sort() : [])
  const arrives = async (subject: string) => await until(`${subject} arrives`, () => arrived(subject)[0])
  /** What is certain to have been handed in before has arrived when this has. */
  const settled = async () => {
    await until('the outbox is empty', async () => {
      const listed = JSON.parse(await service.get('message', 'list', '--status', 'queued', '--json')) as { items: unknown[] }
      const sending = JSON.parse(await service.get('message', 'list', '--status', 'sending', '--json')) as { items: unknown[] }
      return listed.items.length + sending.items.length === 0
    })
  }

  it('says with EX_CONFIG that there is no sender, and keeps nothing', async () => {
    const result = await sendmail('bob@example.net', letter('no sender'))
    assert.deepEqual([result.status, result.stdout], [78, ''])
    assert.match(result.stderr, /^sendmail: There is no sender/)
    assert.deepEqual(waiting(), [])
    await service.get(...`sender add office --host 127.0.0.1 --port ${server.port} --tls none --mechanism none --from anna@example.org --default`.split(' '))
  })

  it('hands a message in: the recipients are those of the command and of the header, and nobody sees Bcc', async () => {
    const subject = next('whole')
    const result = await sendmail('-t -v carl@example.net', letter(subject, 'Cc: Dora <dora@example.net>\nBcc: eve@example.net\nFrom: anna@example.org\n'))
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stdout, /^msg_\w+ is in the outbox\.\n$/)
    const mail = await arrives(subject)
    assert.deepEqual([mail.from, [...mail.to].sort()], ['anna@example.org', ['bob@example.net', 'carl@example.net', 'dora@example.net', 'eve@example.net']])
    assert.doesNotMatch(mail.data, /eve@|^bcc/im)
    assert.match(mail.data, /^Date: .*\r$/m)
    assert.match(mail.data, /^Message-ID: <.+@example\.org>\r$/m)
    assert.match(mail.data, new RegExp(`\\r\\n\\r\\nbody of ${subject}\\r\\n`))
  })

  it('says nothing when all is well, and is called by a link of the name sendmail', async () => {
    // Of the package as it is installed, and of a clone.
    for (const [folder, program, start] of [
      ['package', entry, [process.execPath]],
      ['clone', join(import.meta.dirname, '..', 'bin', 'keybearer'), []],
    ] as const) {
      mkdirSync(join(service.folder, folder))
      const link = join(service.folder, folder, 'sendmail')
      symlinkSync(program, link)
      const subject = next('link')
      const result = await runCommand([...start, link, '-i', 'bob@example.net'], service.environment, letter(subject, 'X-Dot: yes\n') + '.\nafter the dot\n')
      assert.deepEqual([result.status, result.stdout, result.stderr], [0, '', ''])
      assert.match((await arrives(subject)).data, /after the dot/)
    }
  })

  it('gives a From of this machine the address of the sender, and keeps its name', async () => {
    for (const [from, words, expected] of [
      ['From: root (Cron Daemon)\n', '-i -FCronDaemon -B8BITMIME -oem bob@example.net', 'Cron Daemon <anna@example.org>'],
      ['From: "Backup" <backup>\n', '-i bob@example.net', 'Backup <anna@example.org>'],
      ['From: www-data\n', '-f www-data bob@example.net', 'anna@example.org'],
      ['', '-F Watcher bob@example.net', 'Watcher <anna@example.org>'],
      ['', '-F Watcher -f anna@example.org bob@example.net', 'Watcher <anna@example.org>'],
      ['', 'bob@example.net', 'anna@example.org'],
    ] as const) {
      const subject = next('local')
      assert.equal((await sendmail(words, letter(subject, from))).status, 0)
      const { data } = await arrives(subject)
      const fields = data.split('\r\n\r\n')[0]!.match(/^(?:From|Reply-To): .*$/gm)
      assert.deepEqual(
        fields?.map((field) => field.replace(/^From: <(.*)>\r?$/, 'From: $1').trim()),
        [`From: ${expected}`],
        `${from}${words}`,
      )
    }
  })

  it('ends with the codes of sysexits for what is refused, and keeps none of it', async () => {
    const aliases = join(service.folder, 'aliases')
    writeFileSync(aliases, 'root: bob@example.net\n')
    const refused = async (status: number, text: RegExp, words: string, input: string, environment: Record<string, string> = {}) => {
      const result = await sendmail(words, input, { KEYBEARER_SENDMAIL_ALIASES: aliases, ...environment })
      assert.deepEqual([result.status, result.stdout], [status, ''], result.stderr)
      assert.match(result.stderr, text)
      assert.match(result.stderr, /^sendmail: /)
    }
    await refused(64, /Nobody is named/, '-i', '')
    await refused(64, /cannot do -bs/, '-bs', '')
    await refused(64, /names no recipient/, '-t', 'Subject: to nobody\n\n')
    await refused(65, /is not a mail address/, 'bob@', letter('x'))
    await refused(67, /"carl" is a name of this machine/, 'carl', letter('x'))
    await refused(69, /KEYBEARER_MAIL_MAX_BYTES/, 'bob@example.net', letter('x') + 'x'.repeat(200_000))
    await refused(69, /KEYBEARER_MAIL_MAX_BYTES/, 'bob@example.net', letter('x') + 'x'.repeat(300_000))
    await refused(77, /belongs to no sender/, 'bob@example.net', letter('x', 'From: eve@elsewhere.example\n'))
    await refused(77, /access key/, 'bob@example.net', letter('x'), { KEYBEARER_CONFIG: join(service.folder, 'nothing') })
    await refused(77, /key/, 'bob@example.net', letter('x'), { KEYBEARER_ACCESS_KEY: 'kb_nobody' })
    assert.deepEqual(waiting(), [])
    const subject = next('alias')
    assert.equal((await sendmail('root', letter(subject), { KEYBEARER_SENDMAIL_ALIASES: aliases })).status, 0)
    assert.deepEqual((await arrives(subject)).to, ['bob@example.net'])
  })

  it('keeps messages for itself alone while the service is away, and the next call hands them in', async () => {
    await service.stop()
    const subjects = [next('away'), next('away')]
    for (const subject of subjects) {
      const result = await sendmail('-v bob@example.net', letter(subject))
      assert.equal(result.status, 0, result.stderr)
      assert.match(result.stdout, /does not answer\. The message waits in /)
    }
    assert.equal(waiting().length, 2)
    assert.equal(statSync(spool).mode & 0o777, 0o700)
    for (const name of waiting()) assert.equal(statSync(join(spool, name)).mode & 0o777, 0o600)
    const listed = await sendmail('-bp')
    assert.match(listed.stdout, /^(?:\S+\.mail {2}\S+Z {2}\d+ bytes {2}to bob@example\.net\n){2}$/)
    assert.deepEqual([(await sendmail('-q')).status, waiting().length], [75, 2])
    // Not the service itself: its own look is for another folder.
    const held = join(service.folder, 'held')
    execFileSync('mv', [spool, held])
    await service.start()
    const last = next('back')
    const result = await sendmail('bob@example.net', letter(last), { KEYBEARER_SENDMAIL_SPOOL: held })
    assert.deepEqual([result.status, result.stdout, result.stderr, readdirSync(held)], [0, '', '', []])
    await settled()
    for (const subject of [...subjects, last]) assert.equal(arrived(subject).length, 1, subject)
  })

  it('has the service hand in what waits when it starts', async () => {
    await service.stop()
    const subject = next('by the service')
    assert.equal((await sendmail('bob@example.net', letter(subject))).status, 0)
    await service.start()
    await arrives(subject)
    await until('the file is gone', () => waiting().length === 0)
    assert.ok((await service.get('settings')).includes(spool), 'command and service look in the same folder')
    assert.match(service.output(), /spool\.handed_in/)
  })

  it('killed at any step of keeping a message: it is kept whole, or not at all, and never twice', { timeout: 180_000 }, async () => {
    await service.stop()
    const outcomes: { subject: string; promised: boolean }[] = []
    for (const how of ['before', 'half', 'after']) {
      for (let step = 1; ; step++) {
        const subject = next(`kept ${how} ${step}`)
        const result = await dying(step, how, 'bob@example.net', letter(subject))
        outcomes.push({ subject, promised: result.status === 0 })
        if (result.status === 0) break
        assert.equal(result.status, -1, result.stderr)
      }
    }
    // mkdir, open, write, fsync, close, rename, and open, fsync, close of the folder: each in three ways, and the end of each way.
    assert.equal(outcomes.length, 30)
    assert.equal(outcomes.filter((one) => one.promised).length, 3)
    await service.start()
    await until('all that is whole is handed in', () => waiting().every((name) => !name.endsWith('.mail')))
    await settled()
    for (const { subject, promised } of outcomes) {
      const times = arrived(subject).length
      assert.ok(promised ? times === 1 : times <= 1, `${subject}: ${times}`)
      for (const mail of arrived(subject)) assert.ok(mail.data.includes(`body of ${subject}`))
    }
    // What was left unfinished is no message, and goes when it is old.
    const rests = waiting()
    assert.ok(rests.length > 0 && rests.every((name) => name.startsWith('.new-')), rests.join())
    for (const name of rests) execFileSync('touch', ['-d', '2 hours ago', join(spool, name)])
    writeFileSync(join(spool, '0-damaged.mail'), '{"keybearer_spool":1,"idem')
    const flushed = await sendmail('--flush')
    assert.deepEqual([flushed.status, flushed.stdout], [69, '0 handed in, 1 refused, 1 waiting.\n'])
    assert.match(flushed.stderr, /0-damaged\.mail: The file is damaged/)
    assert.deepEqual(waiting(), ['0-damaged.mail'])
    rmSync(join(spool, '0-damaged.mail'))
  })

  it('killed at any step of handing in what waits: every message arrives once', { timeout: 180_000 }, async () => {
    const folder = join(service.folder, 'own')
    const away = { KEYBEARER_URL: 'http://127.0.0.1:9', KEYBEARER_SENDMAIL_SPOOL: folder }
    const subjects: string[] = []
    let kills = 0
    for (const how of ['before', 'after']) {
      for (let step = 1; ; step++) {
        const subject = next(`handed in ${how} ${step}`)
        subjects.push(subject)
        assert.equal((await sendmail('bob@example.net', letter(subject), away)).status, 0)
        const result = await dying(step, how, '-q', '', { KEYBEARER_SENDMAIL_SPOOL: folder })
        if (result.status === 0) break
        assert.equal(result.status, -1, result.stderr)
        kills += 1
      }
    }
    // The lock (write, link, unlink), the message, and the lock again; more where the lock of one that died is in the way.
    assert.ok(kills >= 10, String(kills))
    assert.equal((await sendmail('-q', '', { KEYBEARER_SENDMAIL_SPOOL: folder })).status, 0)
    assert.ok(
      readdirSync(folder).every((name) => name.startsWith('.new-')),
      readdirSync(folder).join(),
    )
    await settled()
    for (const subject of subjects) assert.equal(arrived(subject).length, 1, subject)
  })

  it('whose answer is lost on the way keeps the message, and the service knows it again', async () => {
    // Passes everything on, and cuts the connection instead of passing the answer back.
    const proxy = createServer((client) => {
      const target = connect(Number(new URL(service.url).port), '127.0.0.1')
      client.on('error', () => target.destroy())
      target.on('error', () => client.destroy())
      client.pipe(target)
      target.once('data', () => {
        client.destroy()
        target.destroy()
      })
    })
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
    try {
      const { port } = proxy.address() as AddressInfo
      const subject = next('lost answer')
      const result = await sendmail('-v bob@example.net', letter(subject), { KEYBEARER_URL: `http://127.0.0.1:${port}` })
      assert.deepEqual([result.status, waiting().length], [0, 1])
      await arrives(subject)
      await settled()
      // The service is killed and forgets what it held in memory.
      await service.kill9()
      await service.start()
      await sendmail('-q')
      await until('the file is gone', () => waiting().length === 0)
      await settled()
      assert.equal(arrived(subject).length, 1)
    } finally {
      proxy.close()
    }
  })

  it('gives no message up for what is not Keybearer', async () => {
    const stranger = createServer((client) => {
      client.on('error', () => undefined)
      client.once('data', () => client.end('HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nno'))
    })
    await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done))
    try {
      const { port } = stranger.address() as AddressInfo
      const subject = next('stranger')
      const result = await sendmail('-v bob@example.net', letter(subject), { KEYBEARER_URL: `http://127.0.0.1:${port}` })
      assert.equal(result.status, 0)
      assert.match(result.stdout, /is not Keybearer/)
      assert.equal((await sendmail('-q')).status, 0)
      await arrives(subject)
    } finally {
      stranger.close()
    }
  })

  it('the service killed again and again under many calls: every message that was promised arrives once', { timeout: 180_000 }, async () => {
    const subjects: string[] = []
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 6 }, async () => {
        const subject = next(`storm ${round}`)
        const result = await sendmail('bob@example.net', letter(subject))
        assert.equal(result.status, 0, result.stderr)
        subjects.push(subject)
      })
      await until('one is through', () => subjects.length > round * 6)
      await service.kill9()
      await Promise.all(calls)
      await service.start()
    }
    await sendmail('-q')
    await until('nothing waits', () => waiting().length === 0)
    await settled()
    const twice = subjects.filter((subject) => arrived(subject).length !== 1)
    // A kill between the mail server's taking a message and its answer makes it come twice, under the same Message-ID.
    for (const subject of twice) {
      const ids = arrived(subject).map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.data)?.[1])
      assert.ok(ids.length > 1 && new Set(ids).size === 1, `${subject}: ${ids.join()}`)
    }
    const messages = JSON.parse(await service.get('message', 'list', '--json')) as { items: { subject: string }[] }
    for (const subject of subjects) assert.equal(messages.items.filter((one) => one.subject === subject).length, 1, subject)
  })

  it('many that hand in at once hand in each message once', async () => {
    const folder = join(service.folder, 'shared')
    const away = { KEYBEARER_URL: 'http://127.0.0.1:9', KEYBEARER_SENDMAIL_SPOOL: folder }
    const subjects = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const subject = next('at once')
        await sendmail('bob@example.net', letter(subject), away)
        return subject
      }),
    )
    await Promise.all(Array.from({ length: 4 }, () => sendmail('-q', '', { KEYBEARER_SENDMAIL_SPOOL: folder })))
    await until('nothing waits', async () => {
      await sendmail('-q', '', { KEYBEARER_SENDMAIL_SPOOL: folder })
      return readdirSync(folder).length === 0
    })
    await settled()
    for (const subject of subjects) assert.equal(arrived(subject).length, 1, subject)
  })

  it('puts aside what the service refuses, goes on with the others, and tries it again when told to', async () => {
    const folder = join(service.folder, 'aside')
    const away = { KEYBEARER_URL: 'http://127.0.0.1:9', KEYBEARER_SENDMAIL_SPOOL: folder }
    const foreign = next('foreign')
    const own = next('own')
    await sendmail('bob@example.net', letter(foreign, 'From: shop@shop.example\n'), away)
    await sendmail('bob@example.net', letter(own), away)
    const here = { KEYBEARER_SENDMAIL_SPOOL: folder }
    const first = await sendmail('-q', '', here)
    assert.equal(first.status, 69)
    assert.match(first.stderr, /belongs to no sender/)
    await arrives(own)
    assert.equal(readdirSync(folder).filter((name) => name.endsWith('.refused')).length, 1)
    assert.equal((await sendmail('-q', '', here)).status, 0, 'it holds up nothing')
    assert.match((await sendmail('-bp', '', here)).stdout, /refused: From is shop@shop\.example/)
    await service.get(...`sender add shop --host 127.0.0.1 --port ${server.port} --tls none --mechanism none --from shop@shop.example`.split(' '))
    assert.deepEqual((await sendmail('--flush', '', here)).stdout, '1 handed in, 0 refused, 0 waiting.\n')
    await arrives(foreign)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('a full disk: says so with EX_TEMPFAIL, and leaves nothing half written', async () => {
    const disk = mountSmallDisk('64k')
    // Without the right to mount a limit on the size of files does the same.
    const folder = disk?.folder ?? mkdtempSync(join(tmpdir(), 'keybearer-small-'))
    try {
      const away = { ...service.environment, KEYBEARER_URL: 'http://127.0.0.1:9', KEYBEARER_SENDMAIL_SPOOL: folder }
      const call = (input: string) =>
        runCommand(['sh', '-c', `ulimit -f 128; exec "$0" "$@"`, process.execPath, entry, 'sendmail', 'bob@example.net'], away, input)
      const large = await call(letter('large') + 'x'.repeat(150_000))
      assert.equal(large.status, 75, large.stderr)
      assert.match(large.stderr, /^sendmail: The disk is full: the message cannot be kept in .*\n {2}Make room/)
      assert.deepEqual(readdirSync(folder), [])
      assert.equal((await call(letter('small'))).status, 0)
      assert.equal(readdirSync(folder).length, 1)
    } finally {
      if (disk) disk.unmount()
      else rmSync(folder, { recursive: true })
    }
  })

  it('keeps no message where others could read or forge it, or where nothing can be written', async () => {
    const open = join(service.folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o755)
    const linked = join(service.folder, 'linked')
    symlinkSync(spool, linked)
    for (const [folder, text] of [
      [open, /chmod 700/],
      [linked, /must be a folder of yours/],
      [join(entry, 'spool'), /cannot be kept in .*ENOTDIR/],
    ] as const) {
      const result = await sendmail('bob@example.net', letter('x'), { KEYBEARER_URL: 'http://127.0.0.1:9', KEYBEARER_SENDMAIL_SPOOL: folder })
      assert.equal(result.status, 75)
      assert.match(result.stderr, text)
    }
    assert.deepEqual(readdirSync(open), [])
  })

  /** Calls with a program that is killed at one of its changes of the disk. */
  async function dying(step: number, how: string, words: string, input: string, environment: Record<string, string> = {}): Promise<CommandResult> {
    return await runCommand(
      [process.execPath, '--import', join(import.meta.dirname, 'children', 'die-at-step.ts'), entry, 'sendmail', ...words.split(' ')],
      {
        ...service.environment,
        ...environment,
        KEYBEARER_TEST_DIE_IN: environment.KEYBEARER_SENDMAIL_SPOOL ?? spool,
        KEYBEARER_TEST_DIE_AT: String(step),
        KEYBEARER_TEST_DIE_HOW: how,
      },
      input,
    )
  }
})
