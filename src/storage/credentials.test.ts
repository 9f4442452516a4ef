import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase, testNow } from '../../test/databases.ts'
import { clearLeases, credentialsToWarnOf, insertCredential, readCredential, takeLease, updateWarning } from './credentials.ts'
import { putAttempt } from './refresh-attempts.ts'
import { insertRegistration } from './registrations.ts'
import type { Database, NewRow } from './tables.ts'
import { inTransaction } from './transaction.ts'

const day = 86_400_000

eachDatabase((name, open) => {
  test(`finds each credential that somebody must be warned of, the longest due first, and lets one node warn (${name})`, async (t) => {
    const { db } = await open(t)
    await addRegistration(db, 'reg_ending', testNow + day)
    await addCredential(db, 'cred_second', { registration_id: 'reg_ending', warn_at: testNow })
    await addCredential(db, 'cred_first', { warn_at: testNow - day })
    await addCredential(db, 'cred_later', { warn_at: testNow + 1 })
    await addCredential(db, 'cred_endless', {})
    const found = await credentialsToWarnOf(db, testNow, 10)
    assert.deepEqual(
      found.map((row) => [row.id, row.secret_expires_at]),
      [
        ['cred_first', null],
        ['cred_second', testNow + day],
      ],
    )
    assert.equal((await credentialsToWarnOf(db, testNow, 1)).length, 1)
    assert.equal(await updateWarning(db, found[0]!, { warn_at: null }), true)
    assert.equal(await updateWarning(db, found[0]!, { warn_at: testNow + 5 }), false)
    assert.equal((await readCredential(db, 'cred_first'))?.warn_at, null)
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
