import { Secret } from '../base/secret.ts'
import { fromGoogleJson } from './google-json.ts'
import { registrationFor, sharedRegistrations, type Draft, type DraftRegistration, type ProviderLookup } from './import-draft.ts'
import type { IniSection } from './ini-file.ts'
import type { NewCredential, NewRegistration } from './types.ts'

/** Whether the sections are remotes of rclone. */
export const looksLikeRclone = (sections: IniSection[]): boolean => sections.length > 0 && sections.every((section) => section.values.has('type'))

/** Whether the whole file is encrypted. */
export const isEncryptedRclone = (text: string): boolean => /^# Encrypted rclone configuration/im.test(text) || /^RCLONE_ENCRYPT_V\d/m.test(text)

type Kind = { provider: string; scopes: (values: Map<string, string>) => string[]; placeholders?: (values: Map<string, string>) => Record<string, string> }

const google = (prefix: string) => (values: Map<string, string>) =>
  (values.get('scope') ?? 'drive')
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((scope) => (scope.includes('/') ? scope : `${prefix}${scope}`))

const kinds: Record<string, Kind> = {
  drive: { provider: 'google', scopes: google('https://www.googleapis.com/auth/') },
  'google photos': { provider: 'google', scopes: () => ['https://www.googleapis.com/auth/photoslibrary'] },
  'google cloud storage': { provider: 'google', scopes: () => ['https://www.googleapis.com/auth/devstorage.read_write'] },
  gmail: { provider: 'google', scopes: () => ['https://mail.google.com/'] },
  onedrive: {
    provider: 'microsoft',
    scopes: (values) =>
      (values.get('access_scopes') ?? 'Files.Read Files.ReadWrite Files.Read.All Files.ReadWrite.All Sites.Read.All offline_access').split(/\s+/),
    placeholders: (values) => ({ tenant: (values.get('tenant') ?? '') || 'common' }),
  },
  dropbox: { provider: 'dropbox', scopes: () => [] },
  box: { provider: 'box', scopes: () => [] },
  pcloud: { provider: 'pcloud', scopes: () => [] },
  yandex: { provider: 'yandex', scopes: () => [] },
  zoho: { provider: 'zoho', scopes: () => [] },
}

/** Reads the remotes of rclone's configuration that have a client and tokens of their own. @see https://rclone.org/docs/ */
export function readRcloneRemotes(sections: IniSection[], lookup: ProviderLookup): Draft[] {
  const share = sharedRegistrations()
  return sections.map((section) => readRemote(section, lookup, share))
}

function readRemote({ name, line, values }: IniSection, lookup: ProviderLookup, share: (one: DraftRegistration) => DraftRegistration): Draft {
  const where = `line ${line}`
  const value = (key: string) => (values.get(key) ?? '').trim()
  const kind = kinds[value('type')]
  const known = kind && lookup.get(kind.provider) ? kind.provider : null
  const about = { where, name, provider: known }
  const leave = (note: string): Draft => ({ kind: 'left_out', ...about, notes: [note] })
  const scopes = kind?.scopes(values) ?? []
  const description = { description: `From the remote "${name}" of rclone` }

  const key = value('service_account_credentials')
  if (key !== '') {
    const input = { name, kind: 'oauth2' as const, scopes, ...description, ...(value('impersonate') === '' ? {} : { username: value('impersonate') }) }
    const { registration, ...rest } = fromGoogleJson(input, new Secret(key))
    return { kind: 'credential', where, registration: registration as NewRegistration, input: rest, notes: [] }
  }
  if (value('service_account_file') !== '') return leave('The key of its service account lies in a file of its own: import that file.')
  if (!values.has('token') && !values.has('client_id')) return leave('It does not use OAuth.')
  if (value('client_id') === '') {
    return leave("It uses the client that rclone shares with everybody, whose tokens are rclone's alone. Make a client of your own, and connect anew.")
  }
  const custom = value('token_url')
  if (known === null && custom === '') return leave(`Keybearer does not know the provider of remotes of this type.`)
  const at =
    custom === ''
      ? { provider: known!, placeholders: kind?.placeholders?.(values) ?? {} }
      : registrationFor(lookup, { token: custom, authorization: value('auth_url') || undefined })
  const notes: string[] = []
  const token = readToken(value('token'), where)
  if ('error' in token) return { kind: 'refused', ...about, provider: at.provider, errors: [token.error] }
  if (token.refreshToken === null) notes.push('It has no refresh token: connect it anew.')
  else notes.push('From now on either rclone or Keybearer should renew it: some providers end a refresh token when two programs use it.')
  const input: Omit<NewCredential, 'registration'> = {
    name,
    kind: 'oauth2',
    grant: 'authorization_code',
    scopes,
    ...description,
    ...(token.refreshToken === null ? {} : { refreshToken: token.refreshToken }),
  }
  const registration = share({
    name,
    provider: at.provider,
    placeholders: at.placeholders,
    clientId: value('client_id'),
    ...(value('client_secret') === '' ? {} : { clientSecret: new Secret(value('client_secret')) }),
  })
  return { kind: 'credential', where, registration, input, notes }
}

function readToken(text: string, where: string): { refreshToken: Secret | null } | { error: { path: string; message: string } } {
  if (text === '') return { refreshToken: null }
  try {
    const token = JSON.parse(text) as { refresh_token?: unknown } | null
    if (typeof token !== 'object' || token === null) throw new TypeError('not an object')
    return { refreshToken: typeof token.refresh_token === 'string' && token.refresh_token !== '' ? new Secret(token.refresh_token) : null }
  } catch {
    return { error: { path: `${where}, token`, message: 'is not JSON' } }
  }
}
