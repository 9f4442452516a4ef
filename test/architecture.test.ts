import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findBreaches, isTest, mayImport, partOf } from './architecture.ts'
import { readSource, stripComments, type SourceFile } from './source-code.ts'

const root = join(import.meta.dirname, '..')

function readSources(): SourceFile[] {
  return ['src', 'client', 'ui', 'test', 'bench', 'scripts']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name) && !/(?:^|\/)(?:node_modules|dist)\//.test(name) && !name.endsWith('.d.ts'))
        .map((name) => readSource(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8'))),
    )
}

const sources = readSources()

test('every file keeps the rules of the design', () => {
  assert.ok(sources.length > 50, `${sources.length} files were found`)
  const breaches = sources.flatMap((file) => findBreaches(file).map((breach) => `${file.path} ${breach}`))
  assert.deepEqual(breaches, [])
})

test('every folder of src is a part that the design knows', () => {
  for (const { path } of sources) {
    const part = partOf(path)
    if (part !== undefined && part !== 'main' && !isTest(path)) assert.ok(part in mayImport, path)
  }
})

test('no part can reach itself through others', () => {
  const reach = (part: string, seen: Set<string>): Set<string> => {
    for (const next of mayImport[part] ?? []) {
      if (!seen.has(next)) reach(next, seen.add(next))
    }
    return seen
  }
  for (const part of Object.keys(mayImport)) assert.ok(!reach(part, new Set()).has(part), part)
})

const breachesOf = (path: string, text: string): string[] => findBreaches(readSource(path, text))

test('an import that the table does not allow is found, in every form of import', () => {
  for (const line of [
    "import { x } from '../storage/tables.ts'",
    'import type { X } from "../storage/tables.ts"',
    "import {\n  x,\n  type Y,\n} from '../storage/tables.ts'",
    "import * as all from '../storage/tables.ts'",
    "import '../storage/tables.ts'",
    "const x = await import('../storage/tables.ts')",
    "type X = import('../storage/tables.ts').X",
    "import x, { y } from '../storage/tables.ts'",
  ]) {
    assert.deepEqual(breachesOf('src/oauth/grants.ts', line), ['imports ../storage/tables.ts; oauth may import base, providers'], line)
    assert.deepEqual(breachesOf('src/oauth/deep/grants.ts', line.replaceAll('../', '../../')).length, 1, line)
    assert.deepEqual(breachesOf('src/access/grants.ts', line), [], line)
  }
  for (const [path, from] of [
    ['src/base/x.ts', '../config.ts'],
    ['src/config.ts', './main.ts'],
    ['src/api/x.ts', '../main.ts'],
    ['src/api/x.ts', '../storage/tables.ts'],
    ['src/cli/status.ts', '../main.ts'],
    ['src/cli/serve.ts', '../storage/open.ts'],
    ['src/crypto/x.ts', '../../test/certificates.ts'],
    ['ui/src/x.tsx', '../../src/base/ids.ts'],
    ['client/src/x.ts', '../../src/base/ids.ts'],
    ['src/base/x.ts', '@keybearer/client'],
    ['src/invented/x.ts', './y.ts'],
  ] as const)
    assert.equal(breachesOf(path, `import { x } from '${from}'`).length, 1, `${path} ${from}`)
  for (const [path, from] of [
    ['src/cli/serve.ts', '../main.ts'],
    ['src/cli/status.ts', '@keybearer/client'],
    ['src/cli/status.ts', '../../client/src/client.ts'],
    ['src/main.ts', './storage/open.ts'],
    ['src/config.ts', './base/log.ts'],
    ['ui/src/x.tsx', '@keybearer/client'],
    ['src/base/x.ts', './y.ts'],
    ['src/base/x.test.ts', '../storage/open.ts'],
  ] as const)
    assert.deepEqual(breachesOf(path, `import { x } from '${from}'`), [], `${path} ${from}`)
  assert.equal(breachesOf('client/src/x.ts', "import { z } from 'zod'").length, 1)
  assert.equal(breachesOf('src/base/x.ts', "import { y } from './y'").length, 1)
})

test('default exports, barrels and long files are found', () => {
  assert.equal(breachesOf('src/base/x.ts', 'export default 1').length, 1)
  assert.equal(breachesOf('src/base/x.ts', 'const x = 1\nexport { x as default }').length, 1)
  for (const line of ["export * from './y.ts'", "export { y } from './y.ts'", "export type { Y } from './y.ts'", "export {\n  y,\n} from './y.ts'"])
    assert.equal(breachesOf('src/base/x.ts', line).length, 1, line)
  assert.deepEqual(
    breachesOf(
      'src/base/x.ts',
      "export const from = './y.ts'\nexport type Kind = 'a' | 'b'\nexport type { Kind as Sort }\nexport interface A {\n  a: string\n}\nconst from = 'x'\nexport function say() {\n  return 'x'\n}",
    ),
    [],
  )
  for (const path of ['src/base/x.ts', 'test/x.ts', 'src/base/x.test.ts']) {
    assert.deepEqual(breachesOf(path, 'let x\n'.repeat(500)), [], path)
    assert.equal(breachesOf(path, 'let x\n'.repeat(501)).length, 1, path)
  }
  assert.deepEqual(breachesOf('client/src/generated/types.ts', 'let x\n'.repeat(5000)), [])
})

test('whoever reads the clock, the environment, starts a shell or calls the network by himself is found', () => {
  for (const code of [
    'Date.now()',
    'new Date()',
    'new Date',
    'new Date( )',
    'Date()',
    'performance.now()',
    'process.hrtime.bigint()',
    'const { now } = { now: Date.now }',
    '`${Date.now()}`',
    'process.env.HOME',
    'process?.env',
    "import { env } from 'node:process'",
    "import { exec } from 'node:child_process'",
    "import { spawn, execSync } from 'child_process'",
    "import * as children from 'node:child_process'",
    "import { spawn } from 'node:child_process'\nspawn('ls', { shell: true })",
    "import { request } from 'node:https'",
    "import http from 'node:http'",
    "import * as http from 'node:http'",
    "import { createServer, get as fetchIt } from 'node:http'",
    "await import('node:http')",
    "import { connect } from 'node:http2'",
    'await fetch(url)',
    'globalThis.fetch',
    "import { fetch } from 'undici'",
    "import { createRemoteJWKSet } from 'jose'",
    'new WebSocket(url)',
  ])
    assert.equal(breachesOf('src/api/x.ts', code).length, 1, code)
  for (const code of [
    'new Date(at)',
    'new Date(\n  at,\n)',
    'new Date(row.at).toISOString()',
    'value instanceof Date',
    'Date.UTC(2026, 1)',
    'Date.parse(text)',
    '// Date.now() is not called here',
    '/* fetch(x) */',
    "const words = 'Date.now() and fetch(x)'",
    '`new Date()`',
    'const x: Date = y',
    'clock.now()',
    'app.fetch(request)',
    'prefetch(x)',
    "import { createServer, type IncomingMessage } from 'node:http'",
    "import type { Agent } from 'node:http'",
    "import { spawn, execFile } from 'node:child_process'",
    'pattern.exec(text)',
    "const address = 'http://a.test' // process.env",
  ])
    assert.deepEqual(breachesOf('src/api/x.ts', code), [], code)
  assert.deepEqual(breachesOf('src/base/clock.ts', 'Date.now()'), [])
  assert.deepEqual(breachesOf('src/base/http.ts', "import { request } from 'node:https'"), [])
  assert.deepEqual(breachesOf('src/config.ts', 'process.env'), [])
  assert.deepEqual(breachesOf('src/cli/run.ts', 'process.env; fetch(x)'), [])
})

test('comments are removed, and nothing else', () => {
  for (const [text, code] of [
    ['a // b\nc', 'a     \nc'],
    ['a /* b\n*/ c', 'a     \n   c'],
    ['\'//\' + "/*" // x', '\'//\' + "/*"     '],
    ['`// ${a /* b */ + `//`} //` // x', '`// ${a         + `//`} //`     '],
    ['x = /[/*]\\/\\//.test(y) // z', 'x = /[/*]\\/\\//.test(y)     '],
    ['a / b // c', 'a / b     '],
    ["'it\\'s // fine'", "'it\\'s // fine'"],
    ["accept: '*/*', b: '*/*'", "accept: '*/*', b: '*/*'"],
  ])
    assert.equal(stripComments(text!).code, code)
  for (const { path } of sources) {
    const { code, bare } = stripComments(readFileSync(join(root, path), 'utf8'))
    assert.equal(code.length, bare.length, path)
  }
})
