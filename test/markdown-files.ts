import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'

/** A Markdown file taken apart: prose apart from blocks of code. */
export type MarkdownFile = {
  /** From the root of the repository. */
  path: string
  text: string
  /** The text with everything in fences and backticks made empty, line by line. */
  prose: string
  blocks: { language: string; code: string; line: number }[]
  /** What stands in single backticks outside of blocks. */
  spans: { code: string; line: number }[]
  anchors: ReadonlySet<string>
}

const left = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage'])

/** Reads every Markdown file of the repository. */
export function readMarkdownFiles(root: string): MarkdownFile[] {
  const paths: string[] = []
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !left.has(entry.name)) walk(path)
      else if (entry.isFile() && entry.name.endsWith('.md')) paths.push(path)
    }
  }
  walk('.')
  return paths.sort().map((path) => readMarkdown(path, readFileSync(join(root, path), 'utf8')))
}

export function readMarkdown(path: string, text: string): MarkdownFile {
  const blocks: MarkdownFile['blocks'] = []
  const spans: MarkdownFile['spans'] = []
  const prose: string[] = []
  const outside: string[] = []
  let open: { fence: string; indent: number; block: MarkdownFile['blocks'][number] } | null = null
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*([^\s`]*)/.exec(line)
    if (open === null && fence) {
      open = { fence: fence[2]!, indent: fence[1]!.length, block: { language: fence[3]!, code: '', line: i + 1 } }
      prose.push('')
    } else if (open !== null && line.trim().startsWith(open.fence) && /^[`~]+$/.test(line.trim())) {
      blocks.push(open.block)
      open = null
      prose.push('')
    } else if (open !== null) {
      open.block.code += `${line.slice(0, open.indent).trim()}${line.slice(open.indent)}\n`
      prose.push('')
    } else {
      outside.push(line)
      prose.push(
        line.replace(/(`+)(.+?)\1(?!`)/g, (_, _ticks: string, code: string) => {
          spans.push({ code: code.trim(), line: i + 1 })
          return ''
        }),
      )
    }
  }
  return { path, text, prose: prose.join('\n'), blocks, spans, anchors: findAnchors(outside) }
}

/** Makes the anchors that GitHub gives to headings, and adds those that stand in the text. */
function findAnchors(lines: string[]): Set<string> {
  const anchors = new Set<string>()
  for (const line of lines) {
    for (const [, id = ''] of line.matchAll(/<\w+[^>]*\sid="([^"]+)"/g)) anchors.add(id)
    const heading = /^#{1,6} +(.+?)(?: +#+)?$/.exec(line)?.[1]
    if (heading === undefined) continue
    const base = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    let anchor = base
    for (let i = 1; anchors.has(anchor); i++) anchor = `${base}-${i}`
    anchors.add(anchor)
  }
  return anchors
}

/** Names every link that leads nowhere: to a file that is not there, or to an anchor that it does not have. */
export function findDeadLinks(root: string, file: MarkdownFile, files: readonly MarkdownFile[]): string[] {
  const dead: string[] = []
  for (const target of findLinks(file.prose)) {
    if (/^(?:https?|mailto):/.test(target)) continue
    const [path = '', anchor] = target.split('#')
    const to = path === '' ? file.path : normalize(join(dirname(file.path), decodeURIComponent(path)))
    if (path.startsWith('/') || to.startsWith('..')) dead.push(`${target} leaves the repository`)
    else if (path !== '' && !existsSync(join(root, to))) dead.push(`${target} is not there`)
    else if (anchor !== undefined) {
      const other = path === '' ? file : files.find((one) => one.path === to)
      if (other && !other.anchors.has(anchor)) dead.push(`${target} has no such heading`)
    }
  }
  return dead
}

/** Returns the files and folders of the repository that a file links to. */
export function linkedFiles(file: MarkdownFile): string[] {
  return findLinks(file.prose)
    .filter((target) => !/^(?:https?|mailto):|^#/.test(target))
    .map((target) => normalize(join(dirname(file.path), target.split('#')[0]!)).replace(/\/$/, ''))
}

function findLinks(prose: string): string[] {
  return [
    ...Array.from(prose.matchAll(/\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g), (match) => match[1]!),
    ...Array.from(prose.matchAll(/^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm), (match) => match[1]!),
    ...Array.from(prose.matchAll(/<(?:a|img|source)\b[^>]*\s(?:href|src|srcset)="([^"]+)"/g), (match) => match[1]!),
  ]
}
