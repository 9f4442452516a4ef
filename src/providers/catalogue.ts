import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isProblem, Problem, type FieldError } from '../base/problem.ts'
import { descriptionErrors } from './provider-check.ts'
import { providerSchema, type Provider } from './provider-schema.ts'
import { byName, summaryOf, type ProviderSummary } from './provider-summary.ts'

/** The providers that come with the program or lie in the user's own folder. */
export type Catalogue = {
  /** What is known of each without reading its file, by name. */
  summaries: () => ProviderSummary[]
  list: () => Provider[]
  get: (id: string) => Provider | undefined
  /** What is wrong with files that are left out. */
  problems: LeftOut[]
}

/** `file` is the bare name: a whole path may look like a secret, and the log would hide it. */
export type LeftOut = { file: string; problem: Problem }

/** A line of `index.json`: the summary of a file, and the digest of the file that it was made from. */
type Indexed = ProviderSummary & { digest: string }

const notProviders = new Set(['schema.json', 'index.json'])
const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url')

/**
 * Reads the catalogue's folders; a later one replaces entries of an earlier one. Every file is checked now, but that one which
 * is exactly what `index.json` was made from was checked when that was made: so a large catalogue does not slow the start.
 */
export function openCatalogue(folders: string[]): Catalogue {
  const entries = new Map<string, { file: string; summary: ProviderSummary }>()
  const read = new Map<string, Provider>()
  const problems: LeftOut[] = []
  for (const folder of folders) {
    const index = readIndex(folder)
    for (const name of providerFiles(folder)) {
      const id = name.slice(0, -'.json'.length)
      const file = join(folder, name)
      try {
        const text = readFileSync(file, 'utf8')
        const known = index.get(id)
        if (known !== undefined && known.digest === digestOf(text)) {
          entries.set(id, { file, summary: known })
          read.delete(id)
          continue
        }
        const provider = parseProviderFile(text, file, id)
        entries.set(id, { file, summary: summaryOf(provider) })
        read.set(id, provider)
      } catch (error) {
        if (!isProblem(error)) throw error
        problems.push({ file: name, problem: error })
      }
    }
  }
  const sorted = [...entries.values()].map(({ summary }) => summary).sort(byName)
  const get = (id: string): Provider | undefined => {
    const known = read.get(id)
    if (known) return known
    const entry = entries.get(id)
    if (entry === undefined) return undefined
    const provider = parseProviderFile(readFileSync(entry.file, 'utf8'), entry.file, id)
    read.set(id, provider)
    return provider
  }
  return { summaries: () => sorted, get, list: () => sorted.map(({ id }) => get(id)!), problems }
}

/** @throws Problem settings_invalid */
function providerFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json') && !notProviders.has(name))
  } catch (error) {
    throw new Problem('settings_invalid', `The folder of providers ${folder} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      nextStep: 'Correct KEYBEARER_PROVIDERS, or let the service read that folder.',
      cause: error,
    })
  }
}

/** Makes the index of a folder. @throws Problem provider_invalid that names every file with errors */
export function makeIndex(folder: string): string {
  const lines: string[] = []
  const wrong: string[] = []
  for (const name of providerFiles(folder).sort()) {
    const file = join(folder, name)
    const text = readFileSync(file, 'utf8')
    try {
      const indexed: Indexed = { ...summaryOf(parseProviderFile(text, file, name.slice(0, -'.json'.length))), digest: digestOf(text) }
      lines.push(JSON.stringify(indexed))
    } catch (error) {
      if (!isProblem(error)) throw error
      wrong.push(error.message)
    }
  }
  if (wrong.length > 0) throw new Problem('provider_invalid', wrong.join('\n'))
  return `[\n${lines.join(',\n')}\n]\n`
}

function readIndex(folder: string): Map<string, Indexed> {
  try {
    return new Map((JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Indexed[]).map((line) => [line.id, line]))
  } catch {
    // Without an index every file is checked.
    return new Map()
  }
}

function parseProviderFile(text: string, file: string, id: string): Provider {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    throw new Problem('provider_invalid', `${file} is not JSON: ${(error as Error).message}.`)
  }
  const provider = parseProvider(raw, file)
  if (provider.id !== id) throw new Problem('provider_invalid', `${file}: its id is "${provider.id}", but the file is named "${id}".`)
  return provider
}

/** Checks a description. @throws Problem provider_invalid with every error and where it is */
export function parseProvider(raw: unknown, from: string): Provider {
  const result = providerSchema.safeParse(raw)
  const errors: FieldError[] = result.success
    ? descriptionErrors(result.data)
    : result.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }))
  if (!result.success || errors.length > 0) {
    throw new Problem('provider_invalid', `${from}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`, { errors })
  }
  return result.data
}
