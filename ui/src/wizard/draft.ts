import type { Credential, NewProvider, Provider, Registration } from '@keybearer/client'
import { flowOf, flows, type Flow, type Kind } from './flow.ts'
import type { GoogleFile } from './google-file.ts'

export type ClientAuth = Registration['client_auth']

/** Everything that is typed in the wizard. Secrets are only ever on their way in. */
export type Draft = {
  kind: Kind
  source: 'list' | 'issuer' | 'generic' | 'file' | 'popular'
  provider: string
  /** Id of a popular configuration whose client is used. */ popular: string
  file: GoogleFile | null
  flow: Flow
  /** Id of a registration; empty: a new one. */ registration: string
  registrationName: string
  placeholders: Record<string, string>
  clientId: string
  /** Empty: what the provider prefers. */ clientAuth: ClientAuth | ''
  clientSecret: string
  privateKey: string
  privateKeyId: string
  certificate: string
  /** A day, such as 2027-01-31. */ secretExpiresAt: string
  username: string
  actFor: string
  secret: string
  hosts: string[]
  scopes: string[]
  audience: string
  resource: string[]
  /** One "name=value" per line. */ authorizeParameters: string
  tokenParameters: string
  loginHint: string
  /** Seconds. */ assumedLifetime: string
  /** Seconds; empty: a consent lasts. */ consentLifetime: string
  name: string
  description: string
  tags: string[]
}

export const emptyDraft: Draft = {
  kind: 'oauth2',
  source: 'list',
  provider: '',
  popular: '',
  file: null,
  flow: 'person',
  registration: '',
  registrationName: '',
  placeholders: {},
  clientId: '',
  clientAuth: '',
  clientSecret: '',
  privateKey: '',
  privateKeyId: '',
  certificate: '',
  secretExpiresAt: '',
  username: '',
  actFor: '',
  secret: '',
  hosts: [],
  scopes: [],
  audience: '',
  resource: [],
  authorizeParameters: '',
  tokenParameters: '',
  loginHint: '',
  assumedLifetime: '',
  consentLifetime: '',
  name: '',
  description: '',
  tags: [],
}

/** What is kept of a draft when the page is left before anything was saved: never a secret. */
export const withoutSecrets = (draft: Draft): Draft => ({ ...draft, file: null, clientSecret: '', privateKey: '', secret: '' })

/** Fills a draft from what is stored. The secrets are not in it: nobody can read them. */
export function draftOf(credential: Credential, registration: Registration | null): Draft {
  const { options } = credential
  return {
    ...emptyDraft,
    kind: credential.kind,
    provider: credential.provider?.id ?? '',
    source: credential.provider?.id === 'generic' ? 'generic' : 'list',
    flow: flowOf(credential),
    registration: credential.registration?.id ?? '',
    placeholders: registration?.placeholders ?? {},
    clientId: registration?.client_id ?? '',
    clientAuth: registration?.client_auth ?? '',
    privateKeyId: registration?.private_key_id ?? '',
    secretExpiresAt: registration?.secret_expires_at?.slice(0, 10) ?? '',
    username: credential.username ?? '',
    actFor: options.act_for ?? '',
    hosts: credential.allowed_hosts,
    scopes: credential.scopes,
    audience: options.audience ?? '',
    resource: options.resource ?? [],
    authorizeParameters: toLines(options.authorize_parameters),
    tokenParameters: toLines(options.token_parameters),
    loginHint: options.login_hint ?? '',
    assumedLifetime: options.assumed_lifetime?.toString() ?? '',
    consentLifetime: options.consent_lifetime?.toString() ?? '',
    name: credential.name,
    description: credential.description,
    tags: credential.tags,
  }
}

/** Fills a draft for another credential like this one: the same registration, no secret, no account. */
export const copyOf = (credential: Credential): Draft => ({
  ...draftOf(credential, null),
  username: credential.kind === 'basic' ? (credential.username ?? '') : '',
  name: `${credential.name} copy`,
})

/** Scopes that fit a flow before anybody has chosen: those of the first ready set, or the provider's usual ones. */
export function usualScopes(provider: Provider, flow: Flow): string[] {
  if (flow === 'person') return provider.default_scopes
  const { grant } = flows[flow]
  const set = provider.scope_sets.find((one) => one.grants === undefined || one.grants.includes(grant))
  return withoutPerson(set?.scopes ?? [])
}

/** A service account is nobody who could be identified. */
export const withoutPerson = (scopes: string[]): string[] => scopes.filter((scope) => scope !== 'openid' && scope !== 'email')

const toLines = (parameters: Record<string, string> | undefined): string =>
  Object.entries(parameters ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')

/** Reads lines of "name=value"; null when a line is not one. */
export function readLines(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const pairs = lines.map((line) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line))
  if (pairs.some((pair) => pair === null || pair[2] === '')) return null
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
}

/** A scope list as people paste it: separated by commas, spaces or new lines. */
export const readScopes = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((scope) => scope !== ''))]

/** The ways of a client to prove who it is, strongest first. */
export const clientAuthTitles: Record<ClientAuth, { title: string; meaning: string }> = {
  private_key_jwt: { title: 'Private key or certificate', meaning: 'Signs each request; nothing secret travels.' },
  client_secret_basic: { title: 'Client secret, in the header', meaning: 'The way of RFC 6749 that most providers take.' },
  client_secret_post: { title: 'Client secret, in the form', meaning: 'For providers that want it beside the other fields.' },
  none: { title: 'No secret', meaning: 'For desktop and command-line applications; PKCE protects the consent.' },
}

export const wantsSecret = (auth: ClientAuth | ''): boolean => auth === 'client_secret_basic' || auth === 'client_secret_post'

/** A short name that nobody has to think of: provider and account, or provider and "service". */
export function suggestName(draft: Draft, provider: Pick<NewProvider, 'id'> | null): string {
  const account = (draft.actFor !== '' ? draft.actFor : draft.username).split('@')[0]!
  const parts =
    draft.kind === 'oauth2'
      ? [provider === null || provider.id === 'generic' ? '' : provider.id, account || (draft.flow === 'person' ? '' : 'service')]
      : [account || (draft.hosts[0] ?? '').split('.').slice(-2)[0]!, draft.kind === 'api_key' ? 'key' : 'login']
  const words = parts.map((part) => part.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-')).filter((part) => part !== '' && part !== '-')
  return (
    words
      .join('-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'credential'
  )
}
