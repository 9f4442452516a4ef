import { join } from 'node:path'
import type { OidcSettings } from '../access/oidc-client.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { Settings } from '../config.ts'
import { loadMasterKeys, type KnownMasterKey, type MasterKeys, type MasterKeySettings } from '../crypto/master-key.ts'

/** Returns where the master key is looked for. */
export const masterKeySettings = (settings: Settings, credentialsDirectory: string | undefined): MasterKeySettings => ({
  value: settings.KEYBEARER_MASTER_KEY ?? undefined,
  passphrase: settings.KEYBEARER_MASTER_KEY_PASSPHRASE ?? undefined,
  credentialsDirectory,
  file: join(settings.KEYBEARER_CONFIG, 'master.key'),
  dataFolder: settings.KEYBEARER_DATA,
})

/** Finds the master key. One that is made of a passphrase which is not there is waited for, locked. @throws Problem locked, and see `loadMasterKeys` */
export function loadOrWait(settings: MasterKeySettings, known: KnownMasterKey[]): MasterKeys {
  try {
    return loadMasterKeys(settings, known)
  } catch (error) {
    if (!isProblem(error, 'master_key_missing') || known.at(-1)?.derivation == null) throw error
    throw new Problem('locked', 'The passphrase of the master key is not in the settings.', { facts: { waits_for_passphrase: true } })
  }
}

type Environment = Record<string, string | undefined>

/** Returns the environment in which a passphrase that was entered takes the place of the one that may be set. */
export const withPassphrase = (environment: Environment, passphrase: Secret | null): Environment =>
  passphrase === null ? environment : { ...environment, KEYBEARER_MASTER_KEY_PASSPHRASE: passphrase.reveal(), KEYBEARER_MASTER_KEY_PASSPHRASE_FILE: undefined }

/** Returns how persons sign in at an OpenID provider; null: they do not. @throws Problem settings_invalid when a part is missing */
export function oidcSettingsOf(settings: Settings): OidcSettings | null {
  const { KEYBEARER_SIGN_IN_ISSUER: issuer, KEYBEARER_SIGN_IN_CLIENT_ID: clientId, KEYBEARER_SIGN_IN_CLIENT_SECRET: clientSecret } = settings
  if (issuer === null && clientId === null && clientSecret === null) return null
  if (issuer === null || clientId === null) {
    throw new Problem('settings_invalid', 'A sign-in at an OpenID provider needs KEYBEARER_SIGN_IN_ISSUER and KEYBEARER_SIGN_IN_CLIENT_ID.')
  }
  return { issuer, clientId, clientSecret, claim: settings.KEYBEARER_SIGN_IN_CLAIM, title: settings.KEYBEARER_SIGN_IN_TITLE ?? new URL(issuer).host }
}
