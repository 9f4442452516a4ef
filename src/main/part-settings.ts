import { join } from 'node:path'
import type { OidcSettings } from '../access/oidc-client.ts'
import { Problem } from '../base/problem.ts'
import type { Settings } from '../config.ts'
import type { MasterKeySettings } from '../crypto/master-key.ts'

/** Returns where the master key is looked for. */
export const masterKeySettings = (settings: Settings, credentialsDirectory: string | undefined): MasterKeySettings => ({
  value: settings.KEYBEARER_MASTER_KEY ?? undefined,
  passphrase: settings.KEYBEARER_MASTER_KEY_PASSPHRASE ?? undefined,
  credentialsDirectory,
  file: join(settings.KEYBEARER_CONFIG, 'master.key'),
  dataFolder: settings.KEYBEARER_DATA,
})

/** Returns how persons sign in at an OpenID provider; null: they do not. @throws Problem settings_invalid when a part is missing */
export function oidcSettingsOf(settings: Settings): OidcSettings | null {
  const { KEYBEARER_SIGN_IN_ISSUER: issuer, KEYBEARER_SIGN_IN_CLIENT_ID: clientId, KEYBEARER_SIGN_IN_CLIENT_SECRET: clientSecret } = settings
  if (issuer === null && clientId === null && clientSecret === null) return null
  if (issuer === null || clientId === null) {
    throw new Problem('settings_invalid', 'A sign-in at an OpenID provider needs KEYBEARER_SIGN_IN_ISSUER and KEYBEARER_SIGN_IN_CLIENT_ID.')
  }
  return { issuer, clientId, clientSecret, claim: settings.KEYBEARER_SIGN_IN_CLAIM, title: settings.KEYBEARER_SIGN_IN_TITLE ?? new URL(issuer).host }
}
