import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { isProblem } from '../base/problem.ts'
import { compose, normalizeAddress } from './message.ts'
import type { NewMessage } from './types.ts'

const now = Date.UTC(2026, 10, 24, 12)
const sender = { from: 'anna@example.org', fromName: 'Anna' }
const letter: NewMessage = { to: ['bob@example.net'], subject: 'Report', text: 'All is well.\n' }
const fieldsOf = async (message: NewMessage): Promise<string[]> => {
  try {
    await compose(message, sender, now, 1_000_000)
  } catch (error) {
    if (isProblem(error, 'mail_invalid')) return error.errors.map((one) => one.path)
    throw error
  }
  return []
}

test('a line break or a zero byte is refused wherever a header or an address is made of the text, with the field', async () => {
  for (const mark of ['\r\n', '\n', '\r', '\0']) {
    const evil = `x${mark}Bcc: eve@example.com`
    for (const [path, change] of [
      ['subject', { subject: evil }],
      ['to[0]', { to: [`bob@example.net${mark}Bcc: eve@example.com`] }],
      ['cc[0]', { cc: [`"Bob${mark}" <bob@example.net>`] }],
      ['bcc[0]', { bcc: [`bob@example.net${mark}`] }],
      ['reply_to', { replyTo: evil }],
      ['from', { from: `anna@example.org${mark}` }],
      ['headers.X-Job', { headers: { 'X-Job': evil } }],
      ['attachments[0].filename', { attachments: [{ filename: evil, content: '' }] }],
      ['attachments[0].content_type', { attachments: [{ filename: 'a', content: '', contentType: `text/plain${mark}X: y` }] }],
      ['attachments[0].inline_id', { attachments: [{ filename: 'a', content: '', inlineId: evil }] }],
    ] as const) {
      assert.deepEqual(await fieldsOf({ ...letter, ...(change as Partial<NewMessage>) }), [path], `${JSON.stringify(mark)} in ${path}`)
    }
  }
})

test('headers that decide where a message goes or what it is cannot be set, however they are written', async () => {
  for (const name of [
    'Bcc',
    'bCC',
    'To',
    'Sender',
    'Message-ID',
    'Content-Type',
    'DKIM-Signature',
    'Return-Path',
    'Resent-To',
    'X Job',
    'X:Job',
    '',
    'X\u00e4',
  ]) {
    assert.equal((await fieldsOf({ ...letter, headers: { [name]: 'x' } })).length, 1, name)
  }
  assert.deepEqual(await fieldsOf({ ...letter, headers: { 'X-Job': 'nightly', 'List-Unsubscribe': '<mailto:off@example.org>' } }), [])
})

test('every wrong field is named at once', async () => {
  const fields = await fieldsOf({ to: ['nobody', 'a group: a@example.org;'], cc: [''], subject: 'a\nb', attachments: [{ filename: 'x', content: '%%%' }] })
  assert.deepEqual(fields, ['to[0]', 'to[1]', 'cc[0]', 'subject', 'attachments[0].content'])
  assert.deepEqual(await fieldsOf({ to: [], subject: 'x', text: 'x' }), ['to'])
  assert.deepEqual(await fieldsOf({ to: ['bob@example.net'], subject: 'x' }), ['text'])
})

test('whatever text comes as subject, name, body or file name, nobody is added and no header appears', async () => {
  const known = new Set(['from', 'to', 'subject', 'message-id', 'date', 'mime-version', 'content-type', 'content-transfer-encoding'])
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 60 }), async (text, name) => {
      const message: NewMessage = { ...letter, to: [`"${name.replace(/["\\]/g, '')}" <bob@example.net>`], subject: name, text }
      let composed
      try {
        composed = await compose(message, sender, now, 1_000_000)
      } catch (error) {
        assert.ok(isProblem(error, 'mail_invalid'), String(error))
        return
      }
      assert.deepEqual(composed.recipients, ['bob@example.net'])
      const parsed = await simpleParser(composed.mime)
      for (const header of parsed.headers.keys()) assert.ok(known.has(header), header)
      assert.doesNotMatch(composed.mime, /[^\r]\n|\r[^\n]/)
    }),
    { numRuns: 300 },
  )
})

test('a carriage return alone ends a line, as a server that is strict about them wants it', async () => {
  for (const text of ['\r ', 'a\rb', 'a\r\nb\n\rc']) {
    const { mime } = await compose({ ...letter, text, html: text }, sender, now, 1_000_000)
    assert.doesNotMatch(mime, /[^\r]\n|\r[^\n]/, JSON.stringify(text))
  }
})

test('an address is one mailbox in ASCII or UTF-8, with its domain in ASCII, and nothing that a command could be made of', () => {
  assert.equal(normalizeAddress('anna@müller.example'), 'anna@xn--mller-kva.example')
  assert.equal(normalizeAddress('jürgen@example.org'), 'jürgen@example.org')
  for (const wrong of [
    '',
    'anna',
    '@example.org',
    'anna@',
    'a b@example.org',
    'a@b@example.org',
    'anna@exa mple.org',
    'anna@example.org>',
    '<anna@example.org',
    'anna@-example.org',
    '.anna@example.org',
    'an..na@example.org',
    `${'a'.repeat(65)}@example.org`,
    `a@${'b.'.repeat(130)}org`,
    'anna@example.org\r\nRCPT TO:<eve@example.com>',
  ]) {
    assert.equal(normalizeAddress(wrong), null, JSON.stringify(wrong))
  }
})

test('a message that is too large is refused with the limit', async () => {
  await assert.rejects(
    compose({ ...letter, text: 'x'.repeat(5000) }, sender, now, 1000),
    (error) => isProblem(error, 'payload_too_large') && /1000/.test(error.message),
  )
})
