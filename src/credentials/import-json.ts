import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { fromGoogleJson } from './google-json.ts'
import { damaged, type Draft, type ProviderLookup } from './import-draft.ts'
import type { NewRegistration } from './types.ts'

type Fields = Record<string, unknown>

const asObject = (value: unknown): Fields | null => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const looksLikeGoogle = (file: Fields): boolean =>
  asObject(file.installed) !== null || asObject(file.web) !== null || file.type === 'service_account' || file.type === 'authorized_user'

export const looksLikeMutt = (file: Fields): boolean => 'refresh_token' in file && ('registration' in file || 'authflow' in file)

/** Reads a JSON file of Google: client_secret*.json, a service-account key, or an authorized_user file. @throws Problem import_invalid */
export function readGoogleFile(file: Fields): Draft[] {
  const client = asObject(file.installed) ?? asObject(file.web) ?? file
  const name = googleName(file, client)
  const foreign = ['token_uri', 'auth_uri'].filter((field) => client[field] !== undefined && !isOfGoogle(textOf(client[field])))
  if (foreign.length > 0) {
    // The tokens of a Google client go to Google, whatever a file says.
    const errors = foreign.map((field) => ({ path: field, message: 'is not an address of Google' }))
    return [{ kind: 'refused', where: '(file)', name, provider: 'google', errors, nextStep: 'Load the file that Google gives, unchanged.' }]
  }
  try {
    const { registration, ...input } = fromGoogleJson({ name, kind: 'oauth2' }, new Secret(JSON.stringify(file)))
    const notes = input.grant === 'authorization_code' && input.refreshToken === undefined ? ['It holds a client and no tokens: connect the account.'] : []
    return [{ kind: 'credential', where: '(file)', registration: registration as NewRegistration, input, notes }]
  } catch (error) {
    if (!isProblem(error, 'invalid_request')) throw error
    throw damaged(error.message)
  }
}

function googleName(file: Fields, client: Fields): string {
  const text = textOf(file.client_email).split('@')[0] || textOf(client.project_id) || textOf(client.client_id).split(/[-.]/)[0] || 'client'
  return `google ${text}`.slice(0, 100)
}

function isOfGoogle(address: string): boolean {
  try {
    const { protocol, hostname } = new URL(address)
    return protocol === 'https:' && (hostname === 'accounts.google.com' || hostname === 'oauth2.googleapis.com' || hostname === 'www.googleapis.com')
  } catch {
    return false
  }
}

const muttScopes: Record<string, string[]> = {
  google: ['https://mail.google.com/'],
  microsoft: [
    'offline_access',
    'https://outlook.office.com/IMAP.AccessAsUser.All',
    'https://outlook.office.com/POP.AccessAsUser.All',
    'https://outlook.office.com/SMTP.Send',
  ],
}

/** Reads a token file of mutt_oauth2.py, decrypted. @throws Problem import_invalid */
export function readMuttFile(file: Fields, lookup: ProviderLookup): Draft[] {
  const provider = textOf(file.registration)
  const email = textOf(file.email)
  const refreshToken = textOf(file.refresh_token)
  const name = email || `mutt ${provider}`
  const about = { where: '(file)', name, provider: lookup.get(provider) ? provider : null }
  if (about.provider === null) {
    return [{ kind: 'refused', ...about, errors: [{ path: 'registration', message: 'names no provider that is known here' }] }]
  }
  if (textOf(file.client_id) === '') {
    const errors = [{ path: 'client_id', message: 'is not in the file: this version of mutt_oauth2.py keeps it in the program itself' }]
    return [
      { kind: 'refused', ...about, errors, nextStep: 'Add "client_id" and "client_secret" from your copy of mutt_oauth2.py to the file, and import it again.' },
    ]
  }
  return [
    {
      kind: 'credential',
      where: '(file)',
      registration: {
        name,
        provider,
        clientId: textOf(file.client_id),
        ...(textOf(file.client_secret) === '' ? {} : { clientSecret: new Secret(textOf(file.client_secret)) }),
      },
      input: {
        name,
        kind: 'oauth2',
        grant: textOf(file.authflow) === 'devicecode' ? 'device_code' : 'authorization_code',
        scopes: muttScopes[provider] ?? lookup.get(provider)?.default_scopes ?? [],
        ...(email === '' ? {} : { username: email }),
        ...(refreshToken === '' ? {} : { refreshToken: new Secret(refreshToken) }),
      },
      notes:
        refreshToken === ''
          ? ['It has no refresh token: connect it anew.']
          : ['From now on either mutt_oauth2.py or Keybearer should renew it: some providers end a refresh token when two programs use it.'],
    },
  ]
}
