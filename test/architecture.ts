import { dirname, join } from 'node:path/posix'
import type { Import, SourceFile } from './source-code.ts'

/** What each part may import, besides itself; the same table as in the documentation of the design. */
export const mayImport: Record<string, readonly string[]> = {
  base: [],
  config: ['base'],
  crypto: ['base'],
  storage: ['base'],
  providers: ['base'],
  oauth: ['base', 'providers'],
  jobs: ['base', 'storage'],
  access: ['base', 'crypto', 'storage'],
  credentials: ['base', 'crypto', 'storage', 'providers', 'oauth', 'jobs', 'access'],
  mail: ['base', 'storage', 'jobs', 'access', 'providers', 'credentials'],
  actions: ['base', 'storage', 'jobs', 'access', 'credentials', 'mail'],
  api: ['base', 'access', 'credentials', 'mail', 'actions', 'providers'],
  cli: ['base', 'client'],
  ui: ['client'],
  client: [],
}

/** The only place that knows all parts, and the commands that start it: the others go through the API. */
const isMain = (path: string) => path === 'src/main.ts' || path.startsWith('src/main/')
const startMain = ['src/cli/serve.ts', 'src/cli/restore.ts']

const longest = 500

/** Returns the part a file belongs to, or undefined when it is no part of the program. */
export function partOf(path: string): string | undefined {
  const [top, second] = path.split('/')
  if (top === 'client' || top === 'ui') return top
  if (top !== 'src' || second === undefined) return undefined
  return second.replace(/\.ts$/, '')
}

export const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || /^(?:test|bench|scripts)\//.test(path)

/** Names every rule that a file breaks, in words that say what to do. */
export function findBreaches(file: SourceFile): string[] {
  const part = partOf(file.path)
  if (isTest(file.path) || part === undefined) return lengthBreaches(file)
  return [
    ...lengthBreaches(file),
    ...importBreaches(file, part),
    ...formBreaches(file),
    ...clockBreaches(file),
    ...environmentBreaches(file, part),
    ...processBreaches(file),
    ...(part === 'client' || part === 'ui' || part === 'cli' ? [] : networkBreaches(file)),
  ]
}

function lengthBreaches({ path, lines }: SourceFile): string[] {
  const isData = /(?:^|\/)(?:data|generated)\//.test(path) || path.endsWith('.generated.ts') || path === 'client/src/operations.ts'
  return lines > longest && !isData ? [`has ${lines} lines; split it (${longest} at most)`] : []
}

function importBreaches({ path, imports }: SourceFile, part: string): string[] {
  if (isMain(path)) return []
  const allowed = mayImport[part]
  if (allowed === undefined) return [`belongs to a part "${part}" that the design does not know`]
  const breaches: string[] = []
  for (const { from } of imports) {
    const target = from === '@keybearer/client' ? 'client/index.ts' : from.startsWith('.') ? join(dirname(path), from) : undefined
    if (target === undefined) {
      if (part === 'client' && !from.startsWith('node:')) breaches.push(`imports ${from}; the client has no dependencies`)
      continue
    }
    if (from.startsWith('.') && part !== 'ui' && !/\.(?:ts|json)$/.test(from)) breaches.push(`imports ${from} without its ending`)
    const other = partOf(target)
    if (other === part || (other !== undefined && allowed.includes(other))) continue
    if (other === 'main' && startMain.includes(path)) continue
    breaches.push(`imports ${from}; ${part} may import ${allowed.length === 0 ? 'no other part' : allowed.join(', ')}`)
  }
  return breaches
}

function formBreaches({ path, bare, imports }: SourceFile): string[] {
  const breaches: string[] = []
  if (/^\s*export\s+default\b|\bas\s+default\b/m.test(bare) && !path.endsWith('.config.ts')) breaches.push('has a default export; name it')
  if (path.startsWith('src/')) {
    for (const { from } of imports.filter(({ kind }) => kind === 'export')) breaches.push(`hands on ${from}; import it where it is used`)
  }
  return breaches
}

function clockBreaches({ path, bare }: SourceFile): string[] {
  if (path === 'src/base/clock.ts' || !path.startsWith('src/')) return []
  const found =
    /\bDate\s*\.\s*now\b|\bnew\s+Date\b(?!\s*\(\s*[^\s)])|(?<!new\s)(?<![.\w])Date\s*\(|\bperformance\s*\.\s*now\b|\bhrtime\b|\bTemporal\s*\.\s*Now\b/.exec(
      bare,
    )
  return found ? [`reads the clock (${found[0].trim()}); take a Clock`] : []
}

function environmentBreaches({ path, bare, imports }: SourceFile, part: string): string[] {
  if (part === 'cli' || part === 'config' || !path.startsWith('src/')) return []
  const named = imports.some(({ from, names }) => /^(?:node:)?process$/.test(from) && /\benv\b/.test(names))
  return named || /\bprocess\s*(?:\?\.|\.)\s*env\b/.test(bare) ? ['reads the environment; take the settings'] : []
}

function processBreaches({ code, imports }: SourceFile): string[] {
  const children = imports.filter(({ from }) => /^(?:node:)?child_process$/.test(from))
  if (children.length === 0) return []
  const breaches = children
    .filter(({ names }) => /\bexec(?:Sync)?\b|\*|^\w+$/.test(names))
    .map(() => 'imports from child_process what starts a shell; use spawn or execFile by name')
  if (/\bshell\s*:\s*(?!false\b)/.test(code)) breaches.push('starts a shell; give program and arguments')
  return breaches
}

const serverSide = new Set([
  'createServer',
  'Server',
  'IncomingMessage',
  'ServerResponse',
  'IncomingHttpHeaders',
  'OutgoingHttpHeaders',
  'RequestListener',
  'STATUS_CODES',
  'METHODS',
  'ServerOptions',
])

function networkBreaches({ path, bare, imports }: SourceFile): string[] {
  if (path === 'src/base/http.ts') return []
  const breaches: string[] = []
  for (const entry of imports) {
    if (/^(?:undici|axios|got|node-fetch|ky|superagent)(?:\/|$)/.test(entry.from)) breaches.push(`imports ${entry.from}; outgoing HTTP passes base/http.ts`)
    if (!/^(?:node:)?(?:http|https|http2)$/.test(entry.from) || entry.kind === 'type') continue
    const client = importedNames(entry).filter((name) => !serverSide.has(name))
    if (client.length > 0) breaches.push(`imports ${client.join(', ')} from ${entry.from}; outgoing HTTP passes base/http.ts`)
  }
  if (/(?<![.\w])fetch\s*\(|\bglobalThis\s*\.\s*fetch\b|\bnew\s+(?:WebSocket|EventSource)\b|\bcreateRemoteJWKSet\b/.test(bare))
    breaches.push('calls the network itself; outgoing HTTP passes base/http.ts')
  return breaches
}

function importedNames({ names, kind }: Import): string[] {
  const braces = /^\{([^}]*)\}$/.exec(names)
  if (!braces) return [kind === 'dynamic' ? 'everything' : names || 'everything']
  return braces[1]!
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.split(/\s+as\s+/)[0]!)
}
