import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startChild } from '../../test/children/child.ts'
import { temporaryFolder } from '../../test/databases.ts'

test('K1, K7: after kill -9 no file of the data folder holds a secret or the master key, in any encoding', async (t) => {
  const folder = temporaryFolder(t)
  const data = join(folder, 'data')
  const keyFile = join(folder, 'config/master.key')
  const child = startChild('keep-secrets.ts', data, keyFile)
  await child.says('kept')
  await child.kill9()
  const sealed = child.lines.filter((line) => line.startsWith('sealed '))
  assert.ok(sealed.length >= 9, `every secret column was used: ${sealed.join()}`)
  const key = Buffer.from(/kbm1:1:(\S+)/.exec(readFileSync(keyFile, 'utf8'))![1]!, 'base64')
  const needles = [
    // The three ways in which a text may lie on the groups of three of base64.
    ...['canary', 'anary-', 'nary-k'].flatMap((text) => [Buffer.from(text), Buffer.from(Buffer.from(text).toString('base64'))]),
    Buffer.from(Buffer.from('canary').toString('hex')),
    Buffer.from('canary', 'utf16le'),
    key,
    ...(['hex', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(key.toString(encoding))),
    Buffer.from(key.toString('hex').toUpperCase()),
  ]
  const files = readdirSync(data)
  assert.ok(files.includes('keybearer.db') && files.includes('keybearer.db-wal'), files.join())
  let size = 0
  for (const name of files) {
    const content = readFileSync(join(data, name))
    size += content.length
    for (const needle of needles) assert.equal(content.indexOf(needle), -1, `${name} holds ${needle.toString('latin1').slice(0, 8)}…`)
  }
  assert.ok(size > 50_000, 'there was something to look through')
})
