import { Secret } from '../base/secret.ts'
import type { Provider } from '../providers/provider-schema.ts'
import { fromGoogleJson } from './google-json.ts'
import { registrationFor, sharedRegistrations, type Draft, type DraftRegistration, type ProviderLookup } from './import-draft.ts'
import type { IniSection } from './ini-file.ts'
import type { GrantType, NewRegistration } from './types.ts'

/** Whether the sections are those of email-oauth2-proxy. */
export const looksLikeProxy = (sections: IniSection[]): boolean => sections.some((section) => section.values.has('token_url') || isServer(section))

const isServer = (section: IniSection) => /^(?:imap|pop|smtp)-\d+$/i.test(section.name) && section.values.has('server_address')
const isAccount = (section: IniSection) => section.values.has('client_id') || section.values.has('token_url')

const flows: Record<string, GrantType | 'password' | 'service_account'> = {
  authorization_code: 'authorization_code',
  client_credentials: 'client_credentials',
  device: 'device_code',
  password: 'password',
  service_account: 'service_account',
}

const encryptedTokens =
  'Its tokens are encrypted with the password that the mail program sends, which only its user knows: they cannot be taken over. Connect the account anew.'

/** Reads the accounts of email-oauth2-proxy's configuration. @see https://github.com/simonrob/email-oauth2-proxy */
export function readProxyAccounts(sections: IniSection[], lookup: ProviderLookup): Draft[] {
  const share = sharedRegistrations()
  return sections.filter(isAccount).map((section) => readAccount(section, lookup, share))
}

function readAccount({ name, line, values }: IniSection, lookup: ProviderLookup, share: (one: DraftRegistration) => DraftRegistration): Draft {
  const where = `line ${line}`
  const value = (key: string) => (values.get(key) ?? '').trim()
  const isSample = (key: string) => value(key).startsWith('***')
  const tokenUrl = value('token_url')
  const found = tokenUrl === '' ? null : registrationFor(lookup, { token: tokenUrl, authorization: value('permission_url') || undefined })
  const about = { where, name, provider: found?.provider ?? null }
  if (isSample('client_id')) return { kind: 'left_out', ...about, notes: ['Its client_id is still the text of the sample.'] }
  const flow = flows[value('oauth2_flow') || 'authorization_code']
  if (flow === undefined) return { kind: 'left_out', ...about, notes: [`Its oauth2_flow is not known here.`] }
  if (flow === 'password')
    return {
      kind: 'left_out',
      ...about,
      notes: ['Its oauth2_flow hands the password of the account to the program; Keybearer does not do that. Use another grant.'],
    }
  const scopes = value('oauth2_scope').split(/\s+/).filter(Boolean)
  const account = name.startsWith('@') ? {} : { username: name }
  if (flow === 'service_account') return readServiceAccount(about, value('client_secret'), scopes, account)
  if (found === null) return { kind: 'refused', ...about, errors: [{ path: `${where}, token_url`, message: 'is needed' }] }

  const notes: string[] = []
  if (name.startsWith('@')) notes.push('It stands for every account of a domain; here it is one credential, of whoever connects it.')
  if (values.has('access_token') || values.has('refresh_token')) notes.push(encryptedTokens)
  const registration = share({
    name,
    provider: found.provider,
    placeholders: found.placeholders,
    clientId: value('client_id'),
    ...clientSecret(values, found.known, notes),
  })
  const variant = flow === 'client_credentials' ? found.known?.variants.find((one) => one !== 'standard') : undefined
  return {
    kind: 'credential',
    where,
    registration,
    input: { name, kind: 'oauth2', grant: flow, scopes, ...account, ...(variant === undefined ? {} : { options: { variant } }) },
    notes,
  }
}

type ClientSecret = Pick<DraftRegistration, 'clientAuth' | 'clientSecret' | 'secretLater'>

function clientSecret(values: Map<string, string>, known: Provider | null, notes: string[]): ClientSecret {
  const secret = (values.get('client_secret') ?? '').trim()
  if (secret !== '' && !secret.startsWith('***')) return { clientSecret: new Secret(secret) }
  if (values.has('jwt_key_path')) {
    notes.push('Its key lies in a file of its own: enter key and certificate in the registration.')
    return { clientAuth: 'private_key_jwt', secretLater: true }
  }
  if (values.has('client_secret_encrypted')) {
    notes.push('Its client secret is encrypted with the password of an account: enter it in the registration.')
    const bySecret = known?.client_auth.find((auth): auth is 'client_secret_basic' | 'client_secret_post' => auth.startsWith('client_secret'))
    return { clientAuth: bySecret ?? 'client_secret_post', secretLater: true }
  }
  return {}
}

function readServiceAccount(about: { where: string; name: string }, key: string, scopes: string[], account: { username?: string }): Draft {
  if (!key.startsWith('{')) {
    return { kind: 'left_out', ...about, provider: 'google', notes: ['The key of its service account lies in a file of its own: import that file.'] }
  }
  const { registration, ...input } = fromGoogleJson({ name: about.name, kind: 'oauth2', scopes, ...account }, new Secret(key))
  return { kind: 'credential', where: about.where, registration: registration as NewRegistration, input, notes: [] }
}
