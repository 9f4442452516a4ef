import assert from 'node:assert/strict'
import { test } from 'node:test'
import addressparser from 'nodemailer/lib/addressparser'
import { cutHeader, decodeWords, readFields, readParts } from './mime-reader.ts'
import { divideRecipients, withRecipients } from './recipient-fields.ts'

const mail = (...fields: string[]) => [...fields, 'Subject: Report', '', 'To: nobody@example.net', 'All is well.', ''].join('\r\n')
const dividedOf = (mime: string, envelope: string[]) => divideRecipients(readFields(cutHeader(mime).header), envelope)
const addressesOf = (list: { address: string }[]) => list.map((one) => one.address)

test('the header is made to say what the envelope says: nobody is forgotten, nobody else gets it, the hidden stay hidden', async () => {
  const mime = mail(
    'To: "Bob, the builder" <bob@example.net>, Friends: =?utf-8?Q?Carl_M=C3=BCller?= <CARL@example.net>,\r\n stranger@example.net;',
    'To: emil@example.net (at home)',
    'Cc: undisclosed-recipients:;, frida@b\u00fccher.example',
    'Bcc: stranger2@example.net',
    'Resent-To: stranger3@example.net',
  )
  const envelope = ['bob@example.net', 'carl@example.net', 'emil@example.net', 'frida@xn--bcher-kva.example', 'dora@example.net']
  const divided = dividedOf(mime, envelope)
  assert.deepEqual(addressesOf(divided.to), ['bob@example.net', 'carl@example.net', 'emil@example.net'])
  assert.deepEqual(addressesOf(divided.cc), ['frida@xn--bcher-kva.example'])
  assert.deepEqual(addressesOf(divided.bcc), ['dora@example.net'])
  assert.equal(divided.to[1]?.name, 'Carl Müller')

  const whole = await withRecipients(mime, divided)
  const fields = readFields(cutHeader(whole).header)
  const named = fields
    .filter((field) => /^(?:resent-)?(?:to|cc|bcc)$/.test(field.name))
    .flatMap((field) => addressparser(field.value, { flatten: true }).map((one) => one.address))
  assert.deepEqual(named.toSorted(), envelope.toSorted())
  assert.equal(decodeWords(fields.find((field) => field.name === 'to')!.value).includes('Carl Müller'), true)
  assert.equal(cutHeader(whole).body, cutHeader(mime).body)
})

test('a message for hidden recipients only names nobody else', async () => {
  const whole = await withRecipients(mail('To: list@example.net'), dividedOf(mail('To: list@example.net'), ['dora@example.net']))
  const fields = readFields(cutHeader(whole).header)
  assert.deepEqual(
    fields.filter((field) => field.name !== 'subject'),
    [{ name: 'bcc', value: 'dora@example.net' }],
  )
})

test('a recipient that stands in To and in Cc gets the message once', () => {
  const divided = dividedOf(mail('To: bob@example.net, bob@example.net', 'Cc: bob@example.net'), ['bob@example.net'])
  assert.deepEqual([divided.to.length, divided.cc.length, divided.bcc.length], [1, 0, 0])
})

test('a message is taken apart into its bodies and attachments, whatever way they are written', () => {
  const mime = [
    'Content-Type: multipart/mixed; boundary="a b"',
    '',
    'a preamble',
    '--a b',
    'Content-Type: multipart/alternative; boundary=inner',
    '',
    '--inner',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'M=FCller=\r\n & Co.',
    '--inner',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>M\u00fcller</p>',
    '--inner--',
    '--a b',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename*0*=utf-8\'\'M%C3%BC; filename*1="ller.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    'AAEC',
    'Aw==',
    '--a b',
    'Content-Type: image/png; name="=?utf-8?B?bG9nby5wbmc=?="',
    'Content-ID: <logo>',
    'Content-Transfer-Encoding: base64',
    '',
    'BAU=',
    '--a b--',
    '',
  ].join('\r\n')
  const parts = readParts(mime)
  assert.equal(parts.text, 'Müller & Co.')
  assert.equal(parts.html, '<p>Müller</p>')
  assert.deepEqual(
    parts.attachments.map((one) => [one.name, one.type, [...one.content], one.inlineId]),
    [
      ['Müller.pdf', 'application/pdf', [0, 1, 2, 3], null],
      ['logo.png', 'image/png', [4, 5], 'logo'],
    ],
  )
})
