import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readLocalMessage, writeLocalMessage } from './sendmail-message.ts'
import { findRecipients, namedIn } from './sendmail-recipients.ts'
import { SendmailError } from './sysexits.ts'

const now = Date.UTC(2026, 10, 26, 1, 2, 3)
const options = { now, from: null, fullName: null, login: 'root' }
const written = (text: string, further: { fullName?: string; from?: string } = {}): string =>
  writeLocalMessage(readLocalMessage(Buffer.from(text, 'latin1')), { ...options, ...further }).toString('latin1')

describe('a message that a program of this machine wrote', () => {
  it('keeps its header and its body byte for byte, with either end of line', () => {
    const date = 'Date: Thu, 26 Nov 2026 01:02:03 +0000\r\n'
    assert.equal(written('Subject: a\n  b\nX: caf\xe9\n\nbody\n.dot\n'), `${date}Subject: a\r\n  b\r\nX: caf\xe9\r\n\r\nbody\n.dot\n`)
    assert.equal(written('Subject: a\r\n\r\nbody\r\n'), `${date}Subject: a\r\n\r\nbody\r\n`)
    assert.equal(written('Date: then\nSubject : a\n\nbody'), 'Date: then\r\nSubject : a\r\n\r\nbody')
  })

  it('begins with its text where there is no header, or the header ends without an empty line', () => {
    assert.match(written('just a line\nand: another\n'), /^Date: .*\r\n\r\njust a line\nand: another\n$/)
    assert.match(written('Subject: a\nno field at all\n'), /^Date: .*\r\nSubject: a\r\n\r\nno field at all\n$/)
    assert.match(written(''), /^Date: .*\r\n\r\n$/)
    assert.match(written('\nbody'), /^Date: .*\r\n\r\nbody$/)
    assert.match(written('From anna Thu Nov 26 01:02:03 2026\nSubject: a\n\nb'), /^Date: .*\r\nSubject: a\r\n\r\nb$/)
  })

  it('gets the name of -F where it has no From', () => {
    const from = (fullName: string, further: object = {}) => /^From: (.*)\r$/m.exec(written('Subject: a\n\nb', { fullName, ...further }))?.[1]
    assert.equal(from('Cron Daemon'), 'Cron Daemon <root>')
    assert.equal(from('Anna', { from: 'anna@example.org' }), 'Anna <anna@example.org>')
    assert.equal(from('Shop, "The"'), '"Shop, \\"The\\"" <root>')
    assert.equal(from('Jürgen'), `=?UTF-8?B?${Buffer.from('Jürgen').toString('base64')}?= <root>`)
    assert.equal(from('a\r\nBcc: eve@example.net'), '"a  Bcc: eve@example.net" <root>')
    for (const word of from('ü'.repeat(100))!.split(' ')) assert.ok(word.length <= 76, word)
    assert.doesNotMatch(written('From: x@y.z\n\nb', { fullName: 'Anna' }), /Anna/)
  })

  it('ends at a line with only a dot, unless told otherwise, and at the end of the input', () => {
    const script = `import { readMessage } from ${JSON.stringify(join(import.meta.dirname, 'sendmail-message.ts'))}
process.stdout.write(readMessage(process.argv[1] === 'dot'))`
    const read = (input: string, how: 'dot' | 'all') =>
      spawnSync(process.execPath, ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script, how], { input, encoding: 'latin1' }).stdout
    assert.equal(read('a\n.\nb\n', 'dot'), 'a\n')
    assert.equal(read('a\r\n.\r\nb\r\n', 'dot'), 'a\r\n')
    assert.equal(read('.\nb\n', 'dot'), '')
    assert.equal(read('a\n..\n.b\nc.\n', 'dot'), 'a\n..\n.b\nc.\n')
    assert.equal(read('a\n.', 'dot'), 'a\n')
    assert.equal(read('a\n.\nb\n', 'all'), 'a\n.\nb\n')
    const large = `${'x'.repeat(65_534)}\n.\n${'y'.repeat(100_000)}`
    assert.equal(read(large, 'dot').length, 65_535)
    assert.equal(read(large, 'all').length, large.length)
  })
})

describe('the recipients of such a message', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'keybearer-aliases-'))
    writeFileSync(
      join(folder, 'aliases'),
      [
        '# root: nobody@example.org',
        'root: admin',
        'Admin: anna@example.org,',
        '   bob@example.net',
        '"postmaster" : "Anna" <anna@example.org>',
        'loop: loop',
        'pipe: "|/usr/bin/vacation"',
        'file: /dev/null',
        '',
      ].join('\n'),
    )
    process.env.KEYBEARER_SENDMAIL_ALIASES = join(folder, 'aliases')
  })
  after(() => {
    delete process.env.KEYBEARER_SENDMAIL_ALIASES
    rmSync(folder, { recursive: true })
  })

  it('are those of To, Cc and Bcc, or of the Resent fields where it is sent on', () => {
    const message = (text: string) => namedIn(readLocalMessage(Buffer.from(text)))
    assert.deepEqual(message('To: a@x.y,\n  Ünal <b@x.y>\nCc: c@x.y\nBcc: d@x.y\nBcc: e@x.y\nReply-To: f@x.y\n\nTo: g@x.y\n'), [
      'a@x.y,  Ünal <b@x.y>',
      'c@x.y',
      'd@x.y',
      'e@x.y',
    ])
    assert.deepEqual(message('To: a@x.y\nResent-To: b@x.y\nResent-Bcc: c@x.y\n\n'), ['b@x.y', 'c@x.y'])
  })

  it('are found in every form that a header has, each once', async () => {
    assert.deepEqual(await findRecipients(['a@x.y', 'A@X.Y, "Last, First" <b@x.y> (note)', 'Friends: c@x.y, d@x.y;, e@x.y', 'undisclosed-recipients:;']), [
      'A@X.Y',
      'b@x.y',
      'c@x.y',
      'd@x.y',
      'e@x.y',
    ])
  })

  it('stand in the file of aliases where they are names of this machine', async () => {
    assert.deepEqual(await findRecipients(['root']), ['anna@example.org', 'bob@example.net'])
    assert.deepEqual(await findRecipients(['ROOT@localhost', 'postmaster']), ['anna@example.org', 'bob@example.net'])
    for (const [name, exit, text] of [
      ['carl', 67, /"carl" is a name of this machine/],
      ['loop', 78, /go round in a circle/],
      ['pipe', 67, /only sends mail/],
      ['file', 67, /only sends mail/],
    ] as const)
      await assert.rejects(findRecipients([name]), (error) => error instanceof SendmailError && error.exit === exit && text.test(error.message), name)
    await assert.rejects(findRecipients(['undisclosed-recipients:;']), /names no recipient/)
  })
})
