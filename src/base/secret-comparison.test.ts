import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripComments } from '../../test/source-code.ts'
import { isSameText } from './secret.ts'

const root = join(import.meta.dirname, '..', '..')

/** Comparisons of values that somebody may read in any case, though their names sound secret. */
const harmless: Record<string, string> = {
  'src/access/audit.ts last.hash !== goal.hash': 'the chain of the audit trail: both lie in the database',
  'src/access/audit.ts checked.last.hash !== head.hash': 'the same',
  'src/access/audit.ts hash !== row.hash': 'the same',
  'src/access/idempotency.ts row.request_hash !== hash': 'the hash of a request, which its sender knows',
  'src/access/sign-in.ts Buffer.compare(a.password.bytes, b.password.bytes)': 'two sealed rows of the database',
  'src/access/sign-in.ts a.password === b.password': 'whether both are missing',
  'src/base/backup-file.ts hash.digest(true) !== head.sha256': 'the checksum of a file',
  'src/base/redact.ts encoded !== secret': 'one secret, written in two ways',
  'src/base/redact.ts json !== secret': 'the same',
  'src/credentials/provider-update.ts update.digest !== digest': 'the digest of what a provider publishes',
  'src/crypto/master-key.ts byte === key[0]': 'a key of the settings that is one byte repeated, at the start',
  'src/mail/smtp-sender.ts open.key !== key': 'which connection of the pool it is',
  'src/providers/catalogue.ts known.digest === digestOf(text)': 'the digest of a file of the catalogue',
  'src/providers/provider-resolve.ts url.hash !== expected.hash': 'the fragment of an address',
}

const operand = String.raw`[\w.$?!]+(?:\([^()]*\))?(?:\[[^\]]*\])?`
const comparison = new RegExp(String.raw`(${operand})\s*(?:===|!==|==|!=)\s*(${operand})`, 'g')
const ordering = /(?:Buffer\.compare|\.equals|\.compare|\.localeCompare|\.startsWith|\.endsWith)\((?:[^()]|\([^()]*\))*\)/g
const secretName = /(?:secret|password|passphrase|hash|digest|signature|mac|proof|verifier|nonce|challenge|state|token|key|link|reveal)$/i
const plain = /^(?:undefined|null|true|false|\d+n?|this)$/
const nameOf = (text: string) => text.replace(/[!?]+$/, '').replace(/\([^()]*\)$|\[[^\]]*\]$/, '')

/** Returns the comparisons in a source whose time could tell something of a secret. Words that are written out are none. */
function findComparisons(text: string): string[] {
  // Strings as one word: a comparison with one tells nothing that is not in the source.
  const bare = stripComments(text).code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, 'true')
  const found: string[] = []
  for (const [all, a = '', b = ''] of bare.matchAll(comparison)) {
    if (plain.test(a) || plain.test(b)) continue
    if (secretName.test(nameOf(a)) || secretName.test(nameOf(b))) found.push(all.replace(/\s+/g, ' '))
  }
  for (const [all] of bare.matchAll(ordering)) if (/reveal\(|secret|password|signature/i.test(all) && !/\((?:true|\/)/.test(all)) found.push(all)
  return found
}

test('K13: no source compares a secret by anything but timingSafeEqual', () => {
  for (const bad of [
    'if (given === stored.secret) return',
    'if (row.password_hash !== hashOf(x)) throw wrong()',
    'return a.reveal() == b.reveal()',
    'if (payload.nonce !== expected.nonce) fail()',
    'if (Buffer.compare(mac, signature) === 0) ok()',
  ]) {
    assert.equal(findComparisons(bad).length, 1, bad)
  }
  assert.deepEqual(findComparisons("if (state === 'waiting' || token === undefined) go() // key === other.key"), [])

  const files = globSync('src/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'))
  assert.ok(files.length > 200)
  const found = files.flatMap((path) => findComparisons(readFileSync(join(root, path), 'utf8')).map((one) => `${path} ${one}`))
  assert.deepEqual([...new Set(found)].sort(), Object.keys(harmless).sort())
})

test('K13: texts of any lengths are compared whole', () => {
  for (const [a, b] of [
    ['', ''],
    ['a', 'a'],
    ['ä'.repeat(300), 'ä'.repeat(300)],
  ] as const)
    assert.equal(isSameText(a, b), true)
  for (const [a, b] of [
    ['', 'a'],
    ['a', 'aa'],
    ['secret', 'secreT'],
    ['é', 'e\u0301'],
  ] as const)
    assert.equal(isSameText(a, b), false)
})
