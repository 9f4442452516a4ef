import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFile, readText } from './google-file.ts'

const client = { client_id: '1-a.apps.googleusercontent.com', client_secret: 'GOCSPX-1', project_id: 'shop' }
const key = { type: 'service_account', client_email: 'robot@shop.iam.gserviceaccount.com', private_key: '-----BEGIN PRIVATE KEY-----', project_id: 'shop' }

const kindOf = (value: unknown) => {
  const reading = readText(JSON.stringify(value), 'file.json')
  return reading.kind === 'recognised' ? reading.file.kind : reading.sentence
}

test('the three files of Google are recognised, and a byte order mark does no harm', () => {
  assert.equal(kindOf({ installed: client }), 'client')
  assert.equal(kindOf({ web: client }), 'client')
  assert.equal(kindOf(key), 'service_account')
  assert.equal(kindOf({ type: 'authorized_user', ...client, refresh_token: '1//x' }), 'authorized_user')
  assert.equal(readText(`\uFEFF${JSON.stringify({ web: client })}`, 'x').kind, 'recognised')
})

test('what may be shown of a file holds no secret', () => {
  const reading = readText(JSON.stringify(key), 'key.json')
  assert.ok(reading.kind === 'recognised')
  const { content, ...shown } = reading.file
  assert.equal(content.private_key, key.private_key)
  assert.ok(!JSON.stringify(shown).includes('PRIVATE KEY'))
})

test('a file that lacks a field, or is something else, is refused with the reason', () => {
  assert.match(kindOf({ web: { client_id: 'x' } }), /no client_secret/)
  assert.match(kindOf({ type: 'external_account' }), /workload identity/)
  assert.match(kindOf({ some: 'thing' }), /not one of the three/)
  assert.match(kindOf([client]), /not a file of Google/)
  assert.match(refusalOf('{"installed": {'), /damaged/)
  assert.match(refusalOf('client_id=1'), /not JSON/)
})

const refusalOf = (text: string) => {
  const reading = readText(text, 'x')
  return reading.kind === 'refused' ? reading.sentence : ''
}

test('a file of 10 MB is refused without being opened, a binary one with a sentence', async () => {
  const large = await readFile({ name: 'film.mp4', size: 10_000_000, arrayBuffer: () => Promise.reject(new Error('it was opened')) })
  assert.ok(large.kind === 'refused' && large.sentence.includes('10 MB'))
  const bytes = Uint8Array.from([1, 2, 255, 254, 0])
  const binary = await readFile({ name: 'a.bin', size: bytes.length, arrayBuffer: () => Promise.resolve(bytes.buffer) })
  assert.ok(binary.kind === 'refused' && binary.sentence.includes('not a text file'))
  const nul = await readFile({ name: 'nul', size: 3, arrayBuffer: () => Promise.resolve(Uint8Array.from([65, 0, 66]).buffer) })
  assert.ok(nul.kind === 'refused' && nul.sentence.includes('not a text file'))
})
