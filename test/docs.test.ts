import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { contract } from '../src/api/contract.ts'
import type { Endpoint } from '../src/api/endpoint.ts'
import { settingsTable } from '../src/config.ts'
import { findCommandLines, findFault, readWords } from './command-lines.ts'
import { findDeadLinks, linkedFiles, readMarkdown, readMarkdownFiles } from './markdown-files.ts'

const root = join(import.meta.dirname, '..')
const files = readMarkdownFiles(root)
const scripts = Object.keys((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts)

/** What is wrong in a file, each with where it stands. */
const everywhere = (find: (file: (typeof files)[number]) => string[]): string[] => files.flatMap((file) => find(file).map((fault) => `${file.path}: ${fault}`))

describe('the documentation', () => {
  it('is there', () => {
    assert.ok(files.length > 10)
    const needed = [
      'README.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'LICENSE',
      'docs/glossary.md',
      'docs/guide/README.md',
      'docs/reference/README.md',
    ]
    for (const path of needed) assert.ok(existsSync(join(root, path)), path)
  })

  it('has no link that leads nowhere', () => {
    assert.deepEqual(
      everywhere((file) => findDeadLinks(root, file, files)),
      [],
    )
  })

  it('names no command line that the program does not understand', () => {
    let read = 0
    const faults = everywhere((file) =>
      findCommandLines(file).flatMap((one) => {
        read++
        const fault = findFault(one)
        return fault === null ? [] : [`line ${one.line}: ${one.text}: ${fault}`]
      }),
    )
    assert.deepEqual(faults, [])
    assert.ok(read > 60, `only ${read} command lines were found`)
  })

  it('names no npm script that does not exist', () => {
    const known = new Set([...scripts, 'ci', 'install'])
    const faults = everywhere(({ text }) => findNpmScripts(text).filter((name) => !known.has(name)))
    assert.deepEqual(faults, [])
  })

  it('names no setting that does not exist', () => {
    assert.deepEqual(
      everywhere(({ text }) => findSettings(text).filter((name) => !isSetting(name))),
      [],
    )
  })

  it('calls no address of the service that does not exist, and none by the wrong method', () => {
    let read = 0
    const faults = everywhere((file) =>
      file.blocks
        .flatMap(({ code }) => findCalls(code))
        .filter((call) => {
          read++
          return !isCall(call)
        })
        .map(({ method, path }) => `${method} ${path}`),
    )
    assert.deepEqual(faults, [])
    assert.ok(read > 20, `only ${read} calls were found`)
  })

  it('has lines for the shell that a shell can read', () => {
    assert.deepEqual(
      everywhere((file) =>
        file.blocks.flatMap(({ language, code, line }) => (language === 'sh' ? findShellFaults(code).map((fault) => `line ${line}: ${fault}`) : [])),
      ),
      [],
    )
  })

  it('is all within reach: every page can be found by links from the README', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      const file = files.find((one) => one.path === path)
      for (const to of file ? linkedFiles(file) : []) reached.add(to.endsWith('.md') ? to : `${to}/README.md`)
    }
    assert.deepEqual(
      files.map(({ path }) => path).filter((path) => !reached.has(path) && !path.startsWith('docs/decisions/')),
      [],
    )
  })

  it('has TypeScript that compiles', () => {
    const blocks = files.flatMap(({ path, blocks: all }) => all.filter(({ language }) => language === 'ts').map((block) => ({ ...block, path })))
    assert.ok(blocks.length > 0)
    assert.deepEqual(findTypeFaults(blocks.map(({ code }) => code)), [])
    assert.match(
      findTypeFaults(["import { createClient } from '@keybearer/client'\nawait createClient({ url: '' }).handOut()"]).join(),
      /accessKey[\s\S]*handOut/,
    )
  })

  it('has JSON that is JSON', () => {
    assert.deepEqual(
      everywhere((file) =>
        file.blocks.flatMap(({ language, code, line }) => {
          if (language !== 'json') return []
          try {
            JSON.parse(code)
            return []
          } catch (error) {
            return [`line ${line}: ${(error as Error).message}`]
          }
        }),
      ),
      [],
    )
  })

  it('says in every block of code what language it is in, or that it is none', () => {
    const known = [
      '',
      'sh',
      'json',
      'yaml',
      'ini',
      'toml',
      'python',
      'ts',
      'js',
      'sql',
      'powershell',
      'html',
      'css',
      'text',
      'nginx',
      'caddy',
      'dockerfile',
      'http',
      'mermaid',
    ]
    assert.deepEqual(
      everywhere((file) => file.blocks.flatMap(({ language, line }) => (known.includes(language) ? [] : [`line ${line}: ${language}`]))),
      [],
    )
  })
})

describe('what looks at the documentation', () => {
  const page = readMarkdown(
    'docs/guide/example.md',
    [
      '# An example',
      'See [there](../reference/api.md), [nowhere](nowhere.md), [a heading](#an-example), [none](#none), [out](../../../etc/passwd), `[code](code.md)`.',
      '## Twice',
      '## Twice',
      'Say `keybearer token` or `keybearer tokn NAME`, then [the second](#twice-1) <a id="own"></a>.',
      '```sh',
      'keybearer token "work mail" --min-ttl 60 | head -1   # keybearer is short',
      'PASSWORD=$(keybearer token a --nonsense) npm run nothing',
      'sudo -u keybearer npm run build && npm run -s keybearer -- list extra words',
      'keybearer key create \\',
      '  --right token',
      'curl -s -X DELETE http://127.0.0.1:7420/v1/credentials',
      "curl -s 'http://127.0.0.1:7420/v1/credentials?status=ready'",
      'KEYBEARER_PROT=1 KEYBEARER_PORT_FILE=x',
      '```',
    ].join('\n'),
  )

  it('finds links that lead nowhere', () => {
    assert.deepEqual(findDeadLinks(root, page, files), ['nowhere.md is not there', '#none has no such heading', '../../../etc/passwd leaves the repository'])
    assert.ok(page.anchors.has('own'))
  })

  it('finds command lines and what is wrong with them', () => {
    assert.deepEqual(
      findCommandLines(page).map((one) => [one.line, one.text, findFault(one)]),
      [
        [7, 'keybearer token work mail --min-ttl 60', null],
        [8, 'keybearer token a --nonsense', "error: unknown option '--nonsense'"],
        [9, 'keybearer list extra words', "error: too many arguments for 'list'. Expected 1 argument but got 2: extra, words."],
        [10, 'keybearer key create --right token', "error: missing required argument 'name'"],
        [5, 'keybearer token', null],
        [5, 'keybearer tokn NAME', "error: unknown command 'tokn'\n(Did you mean token?)"],
      ],
    )
    assert.deepEqual(readWords(` a 'b c' "d"e $(f | g) h\\ i > file`), ['a', 'b c', 'de', '$(f | g)', 'h i'])
    assert.equal(findFault({ words: ['key', 'create', '…'], inProse: false }), null)
    assert.match(findFault({ words: ['add', 'x', '--placeholder', 'tenant'], inProse: false })!, /name=value/)
  })

  it('finds what no shell can read', () => {
    assert.deepEqual(findShellFaults('keybearer token a | head -1'), [])
    assert.equal(findShellFaults('keybearer token "a').length, 1)
  })

  it('finds scripts, settings and calls', () => {
    assert.deepEqual(findNpmScripts(page.text), ['nothing', 'build', 'keybearer'])
    assert.deepEqual(
      findSettings(page.text).filter((name) => !isSetting(name)),
      ['KEYBEARER_PROT'],
    )
    const calls = page.blocks.flatMap(({ code }) => findCalls(code))
    assert.deepEqual(
      calls.map((call) => [call, isCall(call)]),
      [
        [{ method: 'DELETE', path: '/v1/credentials' }, false],
        [{ method: 'GET', path: '/v1/credentials' }, true],
      ],
    )
  })
})

/** Finds `npm run NAME`, and `npm start` and `npm test`, which are scripts too. */
function findNpmScripts(text: string): string[] {
  return Array.from(text.matchAll(/\bnpm (?:run(?:-script)? (?:-\S+ )*([\w:.-]*\w)|(start|test)\b)/g), (match) => match[1] ?? match[2]!)
}

/** Compiles each text as a module of its own that uses the client, and returns what the compiler says. */
function findTypeFaults(texts: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-docs-'))
  try {
    for (const [i, text] of texts.entries()) writeFileSync(join(folder, `block-${i}.ts`), `${text}\nexport {}\n`)
    const compilerOptions = {
      paths: { '@keybearer/client': [join(root, 'client/src/index.ts')] },
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [folder] }))
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
    return status === 0 ? [] : stdout.trim().split('\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function findShellFaults(code: string): string[] {
  const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' })
  return status === 0 ? [] : [stderr.trim()]
}

const findSettings = (text: string): string[] => Array.from(text.matchAll(/\bKEYBEARER_[A-Z0-9_]*[A-Z0-9]/g), ([name]) => name)

/** Those for the tests are no settings of the program; the scripts that run the tests know them. */
function isSetting(name: string): boolean {
  if (name in settingsTable || name.replace(/_FILE$/, '') in settingsTable) return true
  return name.startsWith('KEYBEARER_TEST_') && readFileSync(join(root, 'scripts/test.sh'), 'utf8').includes(name)
}

type Call = { method: string; path: string }

/** Finds what `curl` is told to call. */
function findCalls(code: string): Call[] {
  return Array.from(
    code.replace(/\\\n\s*/g, ' ').matchAll(/\bcurl\b([^\n|]*?)https?:\/\/(?:127\.0\.0\.1|localhost):7420(\/[^\s'"?#]*)?([^\n|]*)/g),
    (match) => {
      const options = `${match[1]} ${match[3]}`
      const method = /(?:-X|--request) ?([A-Z]+)/.exec(options)?.[1] ?? (/\s(?:--json|--data\S*|-d)\s/.test(options) ? 'POST' : 'GET')
      return { method, path: match[2] ?? '/' }
    },
  )
}

const isCall = ({ method, path }: Call): boolean =>
  (contract as readonly Endpoint[]).some(
    (row) => row.method === method && new RegExp(`^${row.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  )
