import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { registrationPlace } from './token-set.ts'

export type RegistrationSecrets = {
  clientSecret: Secret | null
  /** The one before the last change, for providers that take a while to learn the new one. */
  previousClientSecret: Secret | null
  privateKey: Secret | null
}

/** Opens the secrets of a registration. @throws Problem decrypt_failed */
export async function openRegistrationSecrets(context: CredentialContext, row: RegistrationRow): Promise<RegistrationSecrets> {
  const keys = dataKeysOf(context.db)
  const open = async (column: 'client_secret' | 'previous_client_secret' | 'private_key') => {
    const sealed = row[column]
    if (sealed === null) return null
    try {
      return await context.vault.open(keys, registrationPlace(row.id, column), sealed)
    } catch (error) {
      if (!isProblem(error, 'decrypt_failed')) throw error
      throw new Problem('decrypt_failed', `The ${column.replaceAll('_', ' ')} of the registration "${row.name}" cannot be opened.`, { cause: error })
    }
  }
  return { clientSecret: await open('client_secret'), previousClientSecret: await open('previous_client_secret'), privateKey: await open('private_key') }
}
