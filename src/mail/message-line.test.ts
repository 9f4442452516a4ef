import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simpleParser } from 'mailparser'
import { compose } from './message.ts'
import { addLine } from './message-line.ts'

const line = 'This mail went out through "Büro" in place of "Große = Post", because 郵便.'

for (const [encoding, text] of [
  ['7bit', 'All is well.\n\nReally.\n'],
  ['quoted-printable', 'Größe = 1, and a long line that has to be broken somewhere because it is longer than a line may be.\n'],
  ['base64', '郵便物が届きました。'.repeat(20)],
] as const) {
  test(`a line is added to a text in ${encoding}, and all that was there stays`, async () => {
    const { mime } = await compose({ to: ['a@example.org'], subject: 's', text }, { from: 'b@example.org', fromName: null }, 0, 100_000)
    assert.match(mime, new RegExp(`^Content-Transfer-Encoding: ${encoding}\r$`, 'm'))
    const added = addLine(Buffer.from(mime), line)
    const parsed = await simpleParser(added)
    const shown = encoding === '7bit' ? line.replace(/[^\x20-\x7e]/g, '?') : line
    assert.equal(parsed.text?.trimEnd().replace(/\n+(?=This mail)/, '\n'), `${text.trimEnd()}\n${shown}`)
    assert.equal(added.toString('latin1').split('\r\n\r\n')[0], mime.split('\r\n\r\n')[0])
    for (const one of added.toString('latin1').split('\r\n')) assert.ok(one.length <= 998)
    assert.doesNotMatch(added.toString('latin1'), /(?<!\r)\n/)
  })
}

test('a message of several parts stays as it is', async () => {
  const { mime } = await compose({ to: ['a@example.org'], subject: 's', text: 't', html: '<p>t</p>' }, { from: 'b@example.org', fromName: null }, 0, 100_000)
  assert.equal(addLine(Buffer.from(mime), line).toString(), mime)
})
