import { KeybearerError } from '@keybearer/client'
import { fieldErrors } from '../elements/problem-notice.tsx'
import type { Draft } from './draft.ts'

type Errors = Record<string, string>

const fields: Record<string, keyof Draft> = {
  client_id: 'clientId',
  client_auth: 'clientAuth',
  client_secret: 'clientSecret',
  private_key: 'privateKey',
  private_key_id: 'privateKeyId',
  certificate: 'certificate',
  secret_expires_at: 'secretExpiresAt',
  provider: 'provider',
  username: 'username',
  act_for: 'actFor',
  secret: 'secret',
  allowed_hosts: 'hosts',
  scopes: 'scopes',
  audience: 'audience',
  resource: 'resource',
  authorize_parameters: 'authorizeParameters',
  token_parameters: 'tokenParameters',
  login_hint: 'loginHint',
  assumed_lifetime: 'assumedLifetime',
  consent_lifetime: 'consentLifetime',
  name: 'name',
  description: 'description',
  tags: 'tags',
  google_json: 'file',
}

/** Gives the messages of a refused request to the fields of the draft. */
export function serverErrors(error: unknown): Errors {
  if (error instanceof KeybearerError && error.code === 'name_taken')
    return error.message.includes('registration') ? { registrationName: error.message } : { name: error.message }
  const errors: Errors = {}
  for (const [path, message] of Object.entries(fieldErrors(error))) {
    const parts = path
      .replace(/\[(\d+)\]/g, '.$1')
      .split('.')
      .filter((part) => part !== 'options' && part !== 'registration')
    if (parts[0] === 'placeholders' && parts[1] !== undefined) errors[`placeholders.${parts[1]}`] = message
    else if (parts[0] === 'name' && path.startsWith('registration')) errors.registrationName = message
    else if (fields[parts[0] ?? ''] !== undefined) errors[fields[parts[0]!]!] = message
  }
  return errors
}
