import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem, type FieldError } from '../base/problem.ts'
import { providerSchema, type Provider } from './provider-schema.ts'

/** The providers that come with the program or lie in the user's own folder. */
export type Catalogue = { list(): Provider[]; get(id: string): Provider | undefined }

/**
 * Reads the catalogue's folders; a later one replaces entries of an earlier one. Each file is checked when it is first
 * needed, so that a large catalogue does not slow the start.
 */
export function openCatalogue(folders: string[]): Catalogue {
  const files = new Map<string, string>()
  for (const folder of folders) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'schema.json')) {
      files.set(file.slice(0, -'.json'.length), join(folder, file))
    }
  }
  const read = new Map<string, Provider>()
  const get = (id: string): Provider | undefined => {
    const known = read.get(id)
    if (known) return known
    const file = files.get(id)
    if (file === undefined) return undefined
    const provider = readProviderFile(file, id)
    read.set(id, provider)
    return provider
  }
  return { get, list: () => [...files.keys()].map((id) => get(id)!).sort((a, b) => a.name.localeCompare(b.name)) }
}

function readProviderFile(file: string, id: string): Provider {
  let raw: unknown
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'))
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
    ? placeholderErrors(result.data)
    : result.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }))
  if (!result.success || errors.length > 0) {
    throw new Problem('provider_invalid', `${from}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`, { errors })
  }
  return result.data
}

function placeholderErrors(provider: Provider): FieldError[] {
  const errors: FieldError[] = []
  for (const [field, value] of Object.entries(provider)) {
    // The issuer may name a slot that only the provider's answers fill.
    if (typeof value !== 'string' || field === 'issuer') continue
    for (const [, name] of value.matchAll(/\{([a-z_][a-z0-9_]*)\}/g)) {
      if (!Object.hasOwn(provider.placeholders, name!)) errors.push({ path: field, message: `uses {${name}}, which is not among the placeholders` })
    }
  }
  for (const [name, { pattern }] of Object.entries(provider.placeholders)) {
    try {
      if (pattern !== undefined) RegExp(`^(?:${pattern})$`)
    } catch {
      errors.push({ path: `placeholders.${name}.pattern`, message: 'is not a regular expression' })
    }
  }
  const needsPerson = provider.grants.includes('authorization_code')
  if (needsPerson && provider.authorization_endpoint === undefined) errors.push({ path: 'authorization_endpoint', message: 'is needed for authorization_code' })
  if (provider.grants.includes('device_code') && provider.device_authorization_endpoint === undefined) {
    errors.push({ path: 'device_authorization_endpoint', message: 'is needed for device_code' })
  }
  if (provider.require_pushed_authorization_requests && provider.pushed_authorization_request_endpoint === undefined) {
    errors.push({ path: 'pushed_authorization_request_endpoint', message: 'is needed where requests must be sent ahead' })
  }
  return errors
}
