import type { Provider } from '@keybearer/client'
import { readLines, wantsSecret, type Draft } from './draft.ts'
import { effectiveAuth, needsKey, type Stored } from './draft-send.ts'
import { flows } from './flow.ts'

export type StepName = 'what' | 'client' | 'scopes' | 'consent' | 'name' | 'test'

/** What the checks need to know beside the draft: `stored` is null while nothing was saved. */
export type Scene = { step: StepName; provider: Provider | null; stored: Stored | null }

type Errors = Record<string, string>

const hostPattern = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?::\d{1,5})?$/i
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/

/** Returns what is wrong or missing in a step, by field. The service checks everything again. */
export function draftErrors(draft: Draft, scene: Scene): Errors {
  switch (scene.step) {
    case 'what':
      return whatErrors(draft)
    case 'client':
      return draft.kind === 'oauth2'
        ? { ...clientErrors(draft, scene), ...nameErrors(draft, scene) }
        : { ...secretErrors(draft, scene), ...nameErrors(draft, scene) }
    case 'scopes':
      return scopeErrors(draft)
    case 'name':
      return nameErrors(draft, { ...scene, stored: null })
    case 'consent':
    case 'test':
      return {}
  }
}

function whatErrors(draft: Draft): Errors {
  if (draft.kind !== 'oauth2') return {}
  if (draft.source === 'file') return draft.file === null ? { file: 'Choose a file, drop it here, or paste its content' } : {}
  return draft.provider === '' ? { provider: draft.source === 'issuer' ? 'Look the address up first' : 'Choose a provider' } : {}
}

function nameErrors(draft: Draft, { stored }: Scene): Errors {
  if (stored !== null) return {}
  const name = draft.name.trim()
  if (name === '') return { name: 'Give it a name' }
  if (name.length > 100) return { name: 'At most 100 characters' }
  if (/[\p{Cc}\p{Cs}\p{Co}\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u.test(name)) return { name: 'No control or invisible characters' }
  return /[/\\?#%]/.test(name) ? { name: 'Anything but / \\ ? # %' } : {}
}

function secretErrors(draft: Draft, { stored }: Scene): Errors {
  const errors: Errors = {}
  if (draft.kind === 'basic' && draft.username.trim() === '') errors.username = 'The user name is needed'
  if (draft.kind === 'basic' && draft.username.includes(':')) errors.username = 'A user name must not contain a colon'
  if (draft.secret === '' && stored === null) errors.secret = draft.kind === 'api_key' ? 'The API key is needed' : 'The password is needed'
  if (/[\r\n\0]/.test(draft.secret)) errors.secret = 'It must be one line'
  return { ...errors, ...hostErrors(draft) }
}

function hostErrors(draft: Draft): Errors {
  const wrong = draft.hosts.find((host) => !hostPattern.test(host))
  return wrong === undefined ? {} : { hosts: `“${wrong}” is not a host such as api.example.org or *.example.org` }
}

function clientErrors(draft: Draft, { provider, stored }: Scene): Errors {
  const errors: Errors = {}
  if (draft.file !== null) return errors
  const isOther = stored !== null && draft.registration !== stored.registration?.id
  if (stored === null ? draft.registration !== '' : isOther) return errors
  Object.assign(errors, placeholderErrors(draft, provider))
  if (draft.clientId.trim() === '') errors.clientId = 'The client ID is needed'
  if (draft.clientId.trim().length > 500) errors.clientId = 'At most 500 characters'
  const auth = effectiveAuth(draft, provider)
  const had = stored?.registration ?? null
  if (wantsSecret(auth) && draft.clientSecret.trim() === '' && had?.has_client_secret !== true) errors.clientSecret = 'The client secret is needed'
  if (/[\r\n]/.test(draft.clientSecret.trim())) errors.clientSecret = 'The client secret is one line'
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(draft.clientSecret.trim()))
    errors.clientSecret = 'This looks like the ID of the secret. Copy the value: it is shown once, when the secret is made'
  if (needsKey(draft, provider)) {
    if (draft.privateKey.trim() === '' && had?.has_private_key !== true) errors.privateKey = 'The private key is needed'
    else if (draft.privateKey.trim() !== '') Object.assign(errors, keyErrors(draft.privateKey))
  }
  if (draft.certificate.trim() !== '' && !draft.certificate.includes('-----BEGIN CERTIFICATE-----'))
    errors.certificate = 'A certificate begins with -----BEGIN CERTIFICATE-----'
  if (flows[draft.flow].grant === 'jwt_bearer' && /\s/.test(draft.actFor.trim())) errors.actFor = 'One mailbox or user, without spaces'
  return errors
}

function keyErrors(pem: string): Errors {
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
    return { privateKey: 'This key is locked with a passphrase. Take it off first: openssl pkcs8 -in key.pem -out plain.pem' }
  if (pem.includes('-----BEGIN RSA PRIVATE KEY-----') || pem.includes('-----BEGIN EC PRIVATE KEY-----'))
    return { privateKey: 'This is an older form. Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem' }
  if (pem.includes('-----BEGIN CERTIFICATE-----') && !pem.includes('PRIVATE KEY')) return { privateKey: 'This is the certificate; the key is another file' }
  if (pem.includes('-----BEGIN PUBLIC KEY-----')) return { privateKey: 'This is the public key; the private one is needed' }
  return pem.includes('-----BEGIN PRIVATE KEY-----') && pem.includes('-----END PRIVATE KEY-----')
    ? {}
    : { privateKey: 'A private key begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----' }
}

function placeholderErrors(draft: Draft, provider: Provider | null): Errors {
  const errors: Errors = {}
  for (const [name, rule] of Object.entries(provider?.placeholders ?? {})) {
    const path = `placeholders.${name}`
    const value = (draft.placeholders[name] ?? rule.default ?? '').trim()
    if (value === '') {
      const needed = rule.kind !== 'url' || name === 'token_endpoint' || (name === 'authorization_endpoint' && draft.flow === 'person')
      if (needed) errors[path] = `${rule.title} is needed, such as ${rule.example}`
    } else if (rule.kind === 'url' ? !isAddress(value) : !/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value)) {
      errors[path] = rule.kind === 'url' ? 'A whole address that begins with https://' : 'Letters, digits, dots, hyphens and underscores only'
    } else if (rule.pattern !== undefined && !matches(rule.pattern, value)) {
      errors[path] = `It does not look like ${rule.example}`
    } else if (draft.flow === 'microsoft' && ['common', 'organizations', 'consumers'].includes(value)) {
      errors[path] = `Without a person it must be your own directory, such as ${rule.example}`
    }
  }
  return errors
}

/** The service's own pattern; one that this browser cannot read is left to the service. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value)
  } catch {
    return true
  }
}

function isAddress(value: string): boolean {
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
}

function scopeErrors(draft: Draft): Errors {
  const errors: Errors = hostErrors(draft)
  const wrong = draft.scopes.find((scope) => !scopePattern.test(scope))
  if (wrong !== undefined) errors.scopes = `“${wrong.slice(0, 60)}” cannot be a scope: no quotes, no backslash, no letters beyond ASCII`
  if (draft.flow === 'microsoft' && (draft.scopes.length !== 1 || !draft.scopes[0]!.endsWith('/.default')))
    errors.scopes = 'Microsoft takes exactly one scope here, and it ends in /.default'
  for (const field of ['authorizeParameters', 'tokenParameters'] as const) if (readLines(draft[field]) === null) errors[field] = 'One “name=value” per line'
  if (draft.assumedLifetime !== '' && !(Number(draft.assumedLifetime) >= 30 && Number(draft.assumedLifetime) <= 31_536_000))
    errors.assumedLifetime = 'From 30 seconds to a year'
  return errors
}

const whatFields = ['kind', 'source', 'provider', 'file']
const scopeFields = ['scopes', 'audience', 'resource', 'authorizeParameters', 'tokenParameters', 'loginHint', 'assumedLifetime', 'consentLifetime', 'hosts']
const nameFields = ['name', 'description', 'tags']

/** The step where a field stands. */
export const stepOfField = (path: string): StepName =>
  whatFields.includes(path) ? 'what' : scopeFields.includes(path) ? 'scopes' : nameFields.includes(path) ? 'name' : 'client'
