import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { NewCredential, NewRegistration } from './types.ts'

type Fields = Record<string, unknown>

/**
 * Fills a new credential from a JSON file of Google: `client_secret*.json` (`installed` or `web`), the key of a service
 * account, or an `authorized_user` file of gcloud.
 *
 * @throws Problem invalid_request that says what the file is instead
 */
export function fromGoogleJson(input: NewCredential, file: Secret): NewCredential {
  const fields = readFile(file)
  const { googleJson: _, ...rest } = input
  const base = { ...rest, kind: 'oauth2' as const }
  const client = asObject(fields.installed) ?? asObject(fields.web)
  if (client !== null) {
    return {
      ...base,
      grant: input.grant ?? 'authorization_code',
      registration: registration(input, { clientId: text(client, 'client_id'), clientSecret: new Secret(text(client, 'client_secret')) }),
      scopes: input.scopes ?? ['openid', 'email', 'https://mail.google.com/'],
    }
  }
  if (fields.type === 'service_account') {
    return {
      ...base,
      grant: 'jwt_bearer',
      registration: registration(input, {
        clientId: text(fields, 'client_email'),
        clientAuth: 'private_key_jwt',
        privateKey: new Secret(text(fields, 'private_key')),
        ...(typeof fields.private_key_id === 'string' ? { privateKeyId: fields.private_key_id } : {}),
      }),
      scopes: input.scopes ?? ['https://mail.google.com/'],
      options: {
        variant: 'google_compatible',
        ...input.options,
        ...(input.options?.actFor === undefined && input.username !== undefined ? { actFor: input.username } : {}),
      },
    }
  }
  if (fields.type === 'authorized_user') {
    return {
      ...base,
      grant: 'authorization_code',
      registration: registration(input, { clientId: text(fields, 'client_id'), clientSecret: new Secret(text(fields, 'client_secret')) }),
      refreshToken: new Secret(text(fields, 'refresh_token')),
      scopes: input.scopes ?? [],
    }
  }
  const kind = typeof fields.type === 'string' ? `of type "${fields.type.slice(0, 40)}"` : 'of an unknown kind'
  throw refused(`The file is ${kind}. Known are client_secret*.json ("installed" or "web"), "service_account" and "authorized_user".`)
}

function registration(
  input: NewCredential,
  client: Pick<NewRegistration, 'clientId' | 'clientSecret' | 'clientAuth' | 'privateKey' | 'privateKeyId'>,
): NewRegistration {
  const given = typeof input.registration === 'object' ? input.registration : null
  return {
    name: given?.name ?? input.name,
    provider: given?.provider ?? 'google',
    ...(given?.placeholders ? { placeholders: given.placeholders } : {}),
    ...client,
  }
}

function readFile(file: Secret): Fields {
  let value: unknown
  try {
    value = JSON.parse(file.reveal())
  } catch {
    throw refused('The file is not JSON.')
  }
  const fields = asObject(value)
  if (fields === null) throw refused('The file is not a JSON object.')
  return fields
}

const asObject = (value: unknown): Fields | null => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null)

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string' || value === '') throw refused(`The file has no ${name}.`)
  return value
}

const refused = (message: string) => new Problem('invalid_request', message, { errors: [{ path: 'google_json', message }] })
