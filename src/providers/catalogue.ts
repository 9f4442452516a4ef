import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem, type FieldError } from '../base/problem.ts'
import { checkProvider, type ProviderDescription } from './provider-schema.ts'

/** The providers that come as files. */
export type Catalogue = {
  /** All of them, by name. */
  list(): ProviderDescription[]
  get(id: string): ProviderDescription | undefined
}

/**
 * Reads and checks every `*.json` of the folders. A file of a later folder replaces one of the same id in an earlier folder,
 * so that an installation can correct a provider.
 *
 * @throws Problem provider_invalid that names every wrong file and field
 */
export function loadCatalogue(folders: string[]): Catalogue {
  const providers = new Map<string, ProviderDescription>()
  const errors: FieldError[] = []
  for (const folder of folders) {
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith('.json') || file === 'schema.json') continue
      const path = join(folder, file)
      const result = readProvider(path, file.slice(0, -'.json'.length))
      if (result.ok) providers.set(result.provider.id, result.provider)
      else errors.push(...result.errors)
    }
  }
  if (errors.length > 0) {
    const said = errors.slice(0, 10).map((error) => `${error.path}: ${error.message}`).join('; ')
    throw new Problem('provider_invalid', `The catalogue of providers has ${errors.length} error${errors.length === 1 ? '' : 's'}: ${said}.`, { errors })
  }
  const sorted = [...providers.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'))
  return { list: () => sorted, get: (id) => providers.get(id) }
}

function readProvider(path: string, id: string): { ok: true; provider: ProviderDescription } | { ok: false; errors: FieldError[] } {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return { ok: false, errors: [{ path, message: `is not JSON (${(error as Error).message})` }] }
  }
  const result = checkProvider(json)
  if (!result.ok) return { ok: false, errors: result.errors.map((error) => ({ path: `${path}: ${error.path}`, message: error.message })) }
  if (result.provider.id !== id) return { ok: false, errors: [{ path: `${path}: id`, message: `must be "${id}", as the file is called` }] }
  return result
}
