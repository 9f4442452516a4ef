import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readGuide, type Guide } from '../ui/src/guides/guide.ts'
import { fillCode, joined, type PlaceValues } from '../ui/src/guides/places.ts'
import type { Block } from '../ui/src/guides/markdown.ts'
import type { TestService } from './service.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'guide')

export type Walk = {
  /** Where the commands run, as in a folder of the person's own. */
  home: string
  /** Puts a file there that the person would have downloaded or made. */
  put: (name: string, text: string) => void
  /** Runs every command that a section of a guide shows to a shell, filled in, and returns what was printed. */
  follow: (guide: string, section: string, values: PlaceValues, input?: Input) => Promise<string>
}

/** What the person types: a text, or what comes of an address that the command shows. */
type Input = string | ((address: string) => Promise<string>)

/** A section alone: what stands under its heading, up to the next one of whatever level. */
export function readSection(guide: string, section: string): { guide: Guide; blocks: Block[] } {
  const read = readGuide(guide, readFileSync(join(folder, `${guide}.md`), 'utf8'))
  const from = read.blocks.findIndex((block) => block.kind === 'heading' && block.anchor === section)
  assert.ok(from !== -1, `${guide} has no section ${section}`)
  const rest = read.blocks.slice(from + 1)
  const end = rest.findIndex((block) => block.kind === 'heading')
  return { guide: read, blocks: end === -1 ? rest : rest.slice(0, end) }
}

/** Returns the code of a section in one language, filled in as the web page fills it in. */
export function codeOf(guide: string, section: string, language: string, values: PlaceValues): string[] {
  const found = readSection(guide, section)
  return found.blocks.flatMap((block) =>
    block.kind === 'code' && block.language === language ? [joined(fillCode(block.text, language, found.guide.places, values))] : [],
  )
}

/**
 * Lets a shell run what the guides say, with the command as an installed one would be found. `ports` are those of the mail
 * server that stands in for the provider's, `zohoApi` is in place of the API of Zoho; `visit` is what the person does with an address that is to be opened.
 */
export function startWalk(
  service: TestService,
  { zohoApi, ...ports }: { implicit: number; starttls: number; zohoApi: string },
  visit: (address: string) => Promise<void>,
): Walk {
  const home = join(service.folder, 'person')
  const bin = join(service.folder, 'bin')
  for (const one of [home, bin]) mkdirSync(one)
  const program = `${process.execPath} --disable-warning=ExperimentalWarning ${join(import.meta.dirname, '..', 'bin', 'keybearer.js')}`
  const script = [
    '#!/bin/sh',
    'if [ "$1 $2" = "sender add" ]; then',
    `  case "$*" in *implicit*) set -- "$@" --port ${ports.implicit} ;; *) set -- "$@" --port ${ports.starttls} ;; esac`,
    'fi',
    'if [ "$1" = request ]; then',
    '  name=$2 address=$3',
    '  shift 3',
    `  set -- request "$name" "$(printf %s "$address" | sed 's#^https://mail\\.zoho\\.eu/#${zohoApi}/#')" "$@"`,
    'fi',
    `exec ${program} "$@"`,
  ]
  writeFileSync(join(bin, 'keybearer'), `${script.join('\n')}\n`)
  chmodSync(join(bin, 'keybearer'), 0o755)
  const environment = { ...service.environment, PATH: `${bin}:${service.environment.PATH}`, HOME: home }

  const run = (code: string, input: Input) =>
    new Promise<string>((done, fail) => {
      const child = spawn('sh', ['-euc', code], { env: environment, cwd: home, stdio: ['pipe', 'pipe', 'pipe'] })
      let printed = ''
      const visited = new Set<string>()
      const stop = (error: Error) => {
        child.kill('SIGKILL')
        fail(error)
      }
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          printed += String(chunk)
          for (const [address] of printed.matchAll(/http\S+\/oauth\/start\/\S+(?=\s)/g)) {
            if (visited.has(address)) continue
            visited.add(address)
            visit(address).catch(stop)
          }
          const shown = typeof input === 'string' ? undefined : /http\S+\/auth\?\S+(?=\s)/.exec(printed)?.[0]
          if (typeof input === 'string' || shown === undefined || visited.has(shown)) return
          visited.add(shown)
          input(shown).then((text) => child.stdin.end(text), stop)
        })
      child.once('error', fail)
      child.once('close', (status) => (status === 0 ? done(printed) : fail(new Error(`ended with ${status}: ${code}\n${printed}`))))
      child.stdin.on('error', () => undefined)
      if (typeof input === 'string') child.stdin.end(input)
    })

  return {
    home,
    put: (name, text) => writeFileSync(join(home, name), text),
    async follow(guide, section, values, input = '') {
      const blocks = codeOf(guide, section, 'sh', values)
      assert.ok(blocks.length > 0, `${guide}#${section} shows no command`)
      let printed = ''
      for (const code of blocks) printed += await run(code, input)
      return printed
    },
  }
}
