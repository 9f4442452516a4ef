import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase, testNow } from '../../test/databases.ts'
import { clearLeases, endingCredentials, insertCredential, readCredential, takeLease } from './credentials.ts'
import { putAttempt } from './refresh-attempts.ts'
import { insertRegistration } from './registrations.ts'
import type { Database, NewRow } from './tables.ts'
import { inTransaction } from './transaction.ts'

const day = 86_400_000

eachDatabase((name, open) => {
  test(`finds each working credential whose refresh token or client secret ends soon, once, and no other (${name})`, async (t) => {
    const { db } = await open(t)
    await addRegistration(db, 'reg_ending', testNow + day)
    await addRegistration(db, 'reg_lasting', testNow + 100 * day)
    await addRegistration(db, 'reg_endless', null)
    await addCredential(db, 'cred_token', { registration_id: 'reg_lasting', refresh_token_expires_at: testNow + day })
    await addCredential(db, 'cred_secret', { registration_id: 'reg_ending', refresh_token_expires_at: testNow + 100 * day })
    await addCredential(db, 'cred_both', { registration_id: 'reg_ending', refresh_token_expires_at: testNow + day })
    await addCredential(db, 'cred_alone', { registration_id: null, refresh_token_expires_at: testNow + day })
    await addCredential(db, 'cred_broken', { registration_id: 'reg_ending', refresh_token_expires_at: testNow + day, status: 'needs_consent' })
    await addCredential(db, 'cred_later', { registration_id: 'reg_lasting', refresh_token_expires_at: testNow + 100 * day })
    await addCredential(db, 'cred_endless', { registration_id: 'reg_endless', refresh_token_expires_at: null })
    assert.deepEqual((await endingCredentials(db, testNow + 7 * day, 10)).toSorted(), ['cred_alone', 'cred_both', 'cred_secret', 'cred_token'])
    assert.equal((await endingCredentials(db, testNow + 7 * day, 3)).length, 3)
  })

  test(`gives the lease of an interrupted refresh back (${name})`, async (t) => {
    const { db } = await open(t)
    await addCredential(db, 'cred_left', {})
    await addCredential(db, 'cred_idle', {})
    await inTransaction(db, async (trx) => {
      await takeLease(trx, 'cred_left', 'lease_1', testNow, testNow + day)
      await putAttempt(trx, {
        credential_id: 'cred_left',
        attempt: 'att_1',
        generation: 1,
        grant_type: 'refresh_token',
        state: 'sent',
        started_at: testNow,
        repeated: 0,
      })
    })
    assert.equal(await takeLease(db, 'cred_left', 'lease_2', testNow, testNow + day), false)
    await clearLeases(db)
    assert.equal((await readCredential(db, 'cred_left'))?.lease, null)
    assert.equal(await takeLease(db, 'cred_left', 'lease_2', testNow, testNow + day), true)
  })
})

async function addRegistration(db: Database, id: string, secretExpiresAt: number | null): Promise<void> {
  await inTransaction(db, (trx) =>
    insertRegistration(trx, {
      id,
      name: id,
      name_key: id,
      provider: 'generic',
      provider_snapshot: '{}',
      placeholders: '{}',
      client_id: 'client',
      client_auth: 'none',
      client_secret: null,
      previous_client_secret: null,
      private_key: null,
      private_key_id: null,
      certificate: null,
      secret_expires_at: secretExpiresAt,
      created_at: testNow,
      updated_at: testNow,
      revision: 1,
    }),
  )
}

async function addCredential(db: Database, id: string, change: Partial<NewRow<'credentials'>>): Promise<void> {
  await inTransaction(db, (trx) =>
    insertCredential(trx, {
      id,
      name: id,
      name_key: id,
      kind: 'oauth2',
      grant_type: 'authorization_code',
      registration_id: null,
      description: '',
      username: null,
      subject: null,
      scopes: '[]',
      options: '{}',
      allowed_hosts: '[]',
      tags: '[]',
      status: 'ready',
      status_reason: null,
      status_since: testNow,
      paused: 0,
      secret: null,
      generation: 1,
      has_refresh_token: 1,
      token_obtained_at: null,
      token_expires_at: null,
      refresh_token_expires_at: null,
      granted_scopes: null,
      refresh_due_at: null,
      failures: 0,
      lease: null,
      lease_until: null,
      last_used_at: null,
      last_used_by: null,
      last_use_outcome: null,
      last_success_at: null,
      created_at: testNow,
      updated_at: testNow,
      revision: 1,
      ...change,
    }),
  )
}
