import type { DiagnosisValues } from '../providers/diagnoses.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { redirectUriOf } from './registrations.ts'
import type { CredentialOptions } from './types.ts'

/** Returns what the steps of a diagnosis can name of a credential; nothing of it is secret. */
export function diagnosisValues(publicUrl: string, row: CredentialWithRegistration): DiagnosisValues {
  const options = JSON.parse(row.options) as CredentialOptions
  const { tenant } = { ...(JSON.parse(row.placeholders ?? '{}') as Record<string, string>), ...options.placeholders }
  const mailbox = options.actFor ?? row.username
  return {
    credential: row.name,
    scopes: (JSON.parse(row.scopes) as string[]).join(' '),
    ...(row.registration_name === null ? {} : { registration: row.registration_name }),
    ...(row.provider === null ? {} : { provider: row.provider }),
    ...(row.client_id === null ? {} : { client_id: row.client_id }),
    ...(row.registration_id === null ? {} : { redirect_uri: redirectUriOf(publicUrl, row.registration_id) }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(mailbox === null ? {} : { mailbox }),
    ...(options.actFor === undefined ? {} : { act_for: options.actFor }),
  }
}
