import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')

test('says its version on stdout, and nothing else', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, 'bin/keybearer.js'), '--version'])
  assert.equal(stdout, `${version}\n`)
  assert.equal(stderr, '')
})
