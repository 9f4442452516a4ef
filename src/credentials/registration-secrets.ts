import { isProblem, Problem } from '../base/problem.ts'
import type { Sealed } from '../base/sealed.ts'
import type { Secret } from '../base/secret.ts'
import { dataKeysOf, readOnce } from '../storage/data-keys.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { registrationPlace } from './token-set.ts'

export type RegistrationSecrets = {
  clientSecret: Secret | null
  /** The one before the last change, for providers that take a while to learn the new one. */
  previousClientSecret: Secret | null
  privateKey: Secret | null
}

/** Opens the secrets of a registration, or returns what was opened before if they are the same. @throws Problem decrypt_failed */
export async function openRegistrationSecrets(context: CredentialContext, row: RegistrationRow): Promise<RegistrationSecrets> {
  const known = knownTo(context)
  const before = known.get(row.id)
  // The sealed bytes themselves are compared: no two sealings have the same.
  if (before !== undefined && columns.every((column) => isSame(before.row[column], row[column]))) return before.secrets
  const secrets = await openAnew(context, row)
  if (known.size >= mostKnown) known.clear()
  known.set(row.id, { row, secrets })
  return secrets
}

const columns = ['client_secret', 'previous_client_secret', 'private_key'] as const
const isSame = (one: Sealed | null, other: Sealed | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one.bytes, other.bytes) === 0

type Known = Map<string, { row: RegistrationRow; secrets: RegistrationSecrets }>

/** One registration serves many credentials, and all of them may run out at once. */
const knownByContext = new WeakMap<CredentialContext, Known>()
const mostKnown = 200

function knownTo(context: CredentialContext): Known {
  let known = knownByContext.get(context)
  if (known === undefined) knownByContext.set(context, (known = new Map()))
  return known
}

async function openAnew(context: CredentialContext, row: RegistrationRow): Promise<RegistrationSecrets> {
  const keys = readOnce(dataKeysOf(context.db))
  const open = async (column: (typeof columns)[number]) => {
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
