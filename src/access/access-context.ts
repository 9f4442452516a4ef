import type { Clock } from '../base/clock.ts'
import type { Vault } from '../base/vault.ts'
import type { Database } from '../storage/tables.ts'
import type { AuditTrail } from './audit.ts'
import type { PasswordChecks } from './password-check.ts'
import type { Sessions } from './sessions.ts'
import type { SignInLimit } from './sign-in-limit.ts'

/** What the files about persons work with; `main.ts` makes it. */
export type AccessContext = {
  db: Database
  dialect: 'sqlite' | 'postgres'
  clock: Clock
  vault: Vault
  audit: AuditTrail
  sessions: Sessions
  passwords: PasswordChecks
  limit: SignInLimit
  /** Where browsers reach this service, without a slash at the end. */
  publicUrl: string
}
