import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { auditActions } from '../src/access/audit-actions.ts'
import { administrations, rights } from '../src/access/types.ts'
import { contract } from '../src/api/contract.ts'
import type { Endpoint } from '../src/api/endpoint.ts'
import { eventTypes } from '../src/base/events.ts'
import { metricTable } from '../src/base/metrics.ts'
import { exitCodes, problemCodes } from '../src/base/problem-codes.ts'
import { makeProgram } from '../src/cli/program.ts'
import { settingsTable } from '../src/config.ts'
import { generatedFiles } from '../scripts/generated-files.ts'
import { apiExamples } from '../scripts/reference/api-examples.ts'
import { commandExamples } from '../scripts/reference/command-examples.ts'
import { requirements } from '../scripts/reference/security.ts'
import { findProofs, readProofs, testFiles } from '../scripts/reference/security-proofs.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pageOf = (name: string) => read(`docs/reference/${name}.md`)

/** The name in backticks that a row of a table begins with. */
const rowNames = (text: string): string[] => Array.from(text.matchAll(/^\| (?:<a id="[^"]*"><\/a>|\[)?`([^`]+)`/gm), (match) => match[1]!)
const headings = (text: string): string[] => Array.from(text.matchAll(/^### (.+)$/gm), (match) => match[1]!)
/** What stands below a heading, up to the next one. */
const below = (text: string, heading: string): string => text.split(`\n${heading}\n`)[1]!.split(/\n#{2,3} /)[0]!
const sorted = (names: Iterable<string>): string[] => [...names].sort()
const endpoints = contract as readonly Endpoint[]
const calls = endpoints.map((row) => `${row.method} ${row.path}`)

describe('the reference names everything there is, and nothing else', () => {
  for (const { path, make } of generatedFiles) {
    it(`${path} is as the code makes it`, () => {
      assert.ok(read(path) === make(), `${path} is older than the code: run "npm run generate"`)
    })
  }

  it('settings', () => {
    assert.deepEqual(sorted(rowNames(pageOf('settings'))), sorted(Object.keys(settingsTable)))
    for (const [name, { sentence }] of Object.entries(settingsTable)) assert.match(sentence, /^[A-Z].*\.$/s, name)
  })

  it('endpoints', () => {
    const page = pageOf('api')
    assert.deepEqual(sorted(headings(page.split('\n## Objects\n')[0]!)), sorted(calls))
    assert.deepEqual(sorted(rowNames(below(page, '## All calls'))), sorted(calls))
    const api = JSON.parse(read('docs/reference/openapi.json')) as { paths: Record<string, object>; components: { schemas: object } }
    assert.deepEqual(
      sorted(Object.entries(api.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))),
      sorted(calls),
    )
    assert.deepEqual(
      headings(page.split('\n## Objects\n')[1]!),
      sorted(Object.keys(api.components.schemas)).sort((a, b) => a.localeCompare(b)),
    )
  })

  it('the parameters of every endpoint', () => {
    const page = pageOf('api')
    for (const row of endpoints) {
      const names = [...Object.keys(row.params?.shape ?? {}), ...Object.keys(row.query?.shape ?? {})]
      const headers = [
        ...(row.takesIfMatch ? ['If-Match'] : []),
        ...(row.takesIdempotencyKey ? ['Idempotency-Key'] : []),
        ...(row.kind === 'events' ? ['Last-Event-ID'] : []),
      ]
      assert.deepEqual(sorted(rowNames(below(page, `### ${row.method} ${row.path}`))), sorted([...names, ...headers]), row.id)
    }
  })

  it('error codes, each with its status and its exit code', () => {
    const rows = Array.from(pageOf('errors').matchAll(/^\| <a id="(\w+)"><\/a>`(\w+)` \| (\d+) \| (\d+) \|/gm), ([, anchor, code, status, exit]) => {
      assert.equal(anchor, code)
      return [code!, Number(status), Number(exit)] as const
    })
    assert.deepEqual(
      rows,
      Object.entries(problemCodes).map(([code, { status, exit }]) => [code, status, exit]),
    )
  })

  it('exit codes', () => {
    const rows = Array.from(below(pageOf('command-line'), '## Exit codes').matchAll(/^\| (\d+) \|/gm), (match) => Number(match[1]))
    assert.deepEqual(rows, Object.values(exitCodes))
  })

  it('commands, with every argument and option', () => {
    const page = pageOf('command-line')
    const known = new Map<string, Command>()
    const walk = (command: Command, path: string) => {
      for (const inner of command.commands) {
        known.set(`${path} ${inner.name()}`, inner)
        walk(inner, `${path} ${inner.name()}`)
      }
    }
    walk(makeProgram(), 'keybearer')
    assert.deepEqual(sorted(headings(page)), sorted(known.keys()))
    assert.deepEqual(sorted(rowNames(below(page, '## All commands'))), sorted(known.keys()))
    for (const [name, command] of known) {
      assert.deepEqual(
        rowNames(below(page, `### ${name}`)),
        [...command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`)), ...command.options.map((one) => one.flags)],
        name,
      )
    }
  })

  it('permissions, and what each call needs', () => {
    const page = pageOf('permissions')
    assert.deepEqual(rowNames(below(page, '## Rights on credentials')), [...rights])
    assert.deepEqual(rowNames(below(page, '## Administration')), [...administrations])
    assert.deepEqual(rowNames(below(page, '## Who may call what')), calls)
  })

  it('metrics', () => {
    const page = pageOf('metrics')
    assert.deepEqual(
      rowNames(page),
      Object.keys(metricTable).map((name) => `keybearer_${name}`),
    )
    for (const [, name = ''] of page.matchAll(/(?<=[`(])keybearer_(\w+)/g)) assert.ok(name in metricTable || /^(?:process|nodejs)_$/.test(name), name)
  })

  it('diagnoses', () => {
    const folder = join(root, 'providers', 'diagnoses')
    const ids = readdirSync(folder)
      .filter((name) => name !== 'schema.json')
      .flatMap((name) => (JSON.parse(read(`providers/diagnoses/${name}`)) as { diagnoses: { id: string }[] }).diagnoses.map((one) => one.id))
    assert.deepEqual(sorted(rowNames(pageOf('diagnoses'))), sorted(ids))
  })

  it('audit actions', () => assert.deepEqual(sorted(rowNames(pageOf('audit-actions'))), sorted(Object.keys(auditActions))))

  it('events', () => assert.deepEqual(sorted(rowNames(pageOf('events'))), sorted(Object.keys(eventTypes))))

  it('providers of the catalogue', () => {
    const ids = Array.from(pageOf('providers').matchAll(/^\| [^|]+ \| `([\w-]+)` \| [^|]+ \| [^|]+ \|/gm), (match) => match[1]!)
    assert.deepEqual(
      sorted(ids),
      sorted(
        readdirSync(join(root, 'providers'))
          .filter((name) => name.endsWith('.json') && name !== 'schema.json' && name !== 'index.json')
          .map((name) => name.replace('.json', '')),
      ),
    )
  })
})

describe('the code does what the reference names', () => {
  const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        name.endsWith('.ts') &&
        !name.endsWith('.test.ts') &&
        !/^(?:base\/(?:problem-codes|events|metrics)|access\/audit-actions|api\/contract-[\w-]+)\.ts$/.test(name),
    )
    .map((name) => read(`src/${name}`))
  const isNamed = (name: string) => source.some((text) => new RegExp(`(['"\`])${name.replaceAll('.', '\\.')}\\1`).test(text))

  it('every error is raised somewhere', () => {
    const raisedByTheClient = read('client/src/client.ts')
    assert.deepEqual(
      Object.keys(problemCodes).filter((code) => !isNamed(code) && !raisedByTheClient.includes(`'${code}'`)),
      [],
    )
  })
  it('every metric is measured', () =>
    assert.deepEqual(
      Object.keys(metricTable).filter((name) => !isNamed(name)),
      [],
    ))
  it('every audit action is recorded', () =>
    assert.deepEqual(
      Object.keys(auditActions).filter((name) => !isNamed(name)),
      [],
    ))
  it('every event is told', () =>
    assert.deepEqual(
      Object.keys(eventTypes).filter((name) => !isNamed(name)),
      [],
    ))
})

describe('the examples of the reference', () => {
  it('of calls are what the contract takes and gives', () => {
    for (const [id, { params = {}, query, body, reply }] of Object.entries(apiExamples)) {
      const row = endpoints.find((one) => one.id === id)!
      assert.deepEqual(Object.keys(params), Object.keys(row.params?.shape ?? {}), id)
      if (query !== undefined) row.query!.parse(Object.fromEntries(new URLSearchParams(query)))
      if (body !== undefined) row.body!.parse(body)
      if (reply !== undefined) assert.deepEqual(row.reply!.parse(reply), reply, id)
    }
  })

  it('of commands belong to commands', () => {
    const page = pageOf('command-line')
    for (const [name, lines] of Object.entries(commandExamples)) {
      assert.ok(below(page, `### keybearer ${name}`).includes(lines.join('\n')), name)
      assert.ok(lines.join('\n').includes(`keybearer ${name}`), name)
    }
  })
})

describe('the requirements of security', () => {
  const known = new Set(requirements.map(({ id }) => id))

  it('are 85, each once, in a sentence', () => {
    const ids = (
      [
        ['K', 13],
        ['A', 9],
        ['O', 30],
        ['N', 8],
        ['Z', 13],
        ['P', 12],
      ] as const
    ).flatMap(([letter, count]) => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`))
    assert.deepEqual([...known], ids)
    assert.equal(requirements.length, 85)
    for (const { id, promise } of requirements) assert.match(promise, /^[A-Z].*\.$/, id)
  })

  it('are the only ones that tests name', () => {
    const unknown = [...findProofs(root)].flatMap(([id, proofs]) => (known.has(id) ? [] : proofs.map((proof) => `${proof.path}: ${id}: ${proof.title}`)))
    assert.deepEqual(unknown, [])
  })

  it('say what is left only where something is proven', () => {
    const proofs = findProofs(root)
    assert.deepEqual(
      requirements.filter(({ id, left }) => left !== undefined && !proofs.has(id)).map(({ id }) => id),
      [],
    )
  })

  it('are on the page with every test that proves them, and no other', () => {
    const page = pageOf('security')
    assert.deepEqual(headings(page), [...known])
    const proofs = findProofs(root)
    for (const id of known) {
      const lines = below(page, `### ${id}`)
        .split('\n')
        .filter((line) => line.startsWith('- '))
      assert.equal(lines.length, proofs.get(id)?.length ?? 0, id)
    }
  })

  it('are proven by tests that run, with every id of their titles', () => {
    // The name of the call stands apart, so that these lines are no proofs themselves.
    const [test, it] = ['test', 'it']
    const text = [
      `${test}('K1, K7: one', () => {})`,
      `  ${it}("O3: it's \\"two\\"", async (t) => {})`,
      `${test}(\`N1: a server that is \${what({ a: 1 })} is refused\`, () => {})`,
      `${test}.skip('K2: skipped', () => {})`,
      `${it}.todo('K3: to do')`,
      `${test}('says K4: in passing', () => {})`,
    ].join('\n')
    assert.deepEqual(
      readProofs('a.test.ts', text).map(({ ids, title }) => [ids, title]),
      [
        [['K1', 'K7'], 'one'],
        [['O3'], `it's "two"`],
        [['N1'], 'a server that is … is refused'],
      ],
    )
    assert.ok(testFiles(root, 'src').length > 40)
    assert.deepEqual(testFiles(root, 'no-such-folder'), [])
  })
})
