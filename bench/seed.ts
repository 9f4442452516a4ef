import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '../src/base/ids.ts'
import { Secret } from '../src/base/secret.ts'
import type { DataKeyStore } from '../src/base/vault.ts'
import { credentialPlace, writeStoredSecret } from '../src/credentials/token-set.ts'
import { loadMasterKeys } from '../src/crypto/master-key.ts'
import { createVault } from '../src/crypto/vault.ts'
import { searchText } from '../src/storage/credential-derived.ts'
import { readMasterKeys } from '../src/storage/facts.ts'
import { openDatabase } from '../src/storage/open.ts'
import type { NewRow } from '../src/storage/tables.ts'
import { startService } from './processes.ts'

const chunk = 250
const hour = 3_600_000

export type Seed = {
  /** `data` and `config` of an installation. */
  folder: string
  credentials: number
  /** Where tokens are renewed; without it nothing is ever due. */
  tokenPort?: number
}

export const clientId = 'bench-client'
export const clientSecret = 'bench-client-secret-of-no-value'

/** As long as a signed token with a few claims is. */
export const exampleToken = (n: number): string => `eyJ${n}.${'Zm9yIG1lYXN1cmluZyBvbmx5'.repeat(40)}`

/** The refresh token that the authorization server of the bench takes as the first one of this number. */
export const firstRefreshToken = (n: number | string): string => `first-refresh-token-${n}`

/**
 * Makes an installation with this many connected credentials, `mail-0` and so on. The service itself makes keys, database and
 * registration; the rows are then written in bulk, sealed by the real vault.
 */
export async function seed(bin: string, order: Seed): Promise<void> {
  const { folder } = order
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const service = await startService(bin, folder)
  const registration = await post<{ id: string }>(service.url, folder, '/v1/registrations', {
    name: 'bench',
    provider: 'generic',
    client_id: clientId,
    client_secret: clientSecret,
    client_auth: 'client_secret_basic',
    placeholders: { authorization_endpoint: 'http://127.0.0.1:9/authorize', token_endpoint: `http://127.0.0.1:${order.tokenPort ?? 9}/token` },
  }).finally(() => service.stop())

  const now = Date.now()
  const store = await openDatabase({ folder: join(folder, 'data'), now })
  try {
    const keys = loadMasterKeys({ file: join(folder, 'config', 'master.key'), dataFolder: join(folder, 'data') }, await readMasterKeys(store.db))
    const vault = createVault(keys.keyring)
    for (let from = 0; from < order.credentials; from += chunk) {
      const dataKeys: NewRow<'data_keys'>[] = []
      const collected = collect(dataKeys)
      const rows: NewRow<'credentials'>[] = []
      for (let n = from; n < Math.min(from + chunk, order.credentials); n++) {
        const id = newId('cred', now)
        const text = writeStoredSecret({
          kind: 'oauth2',
          accessToken: new Secret(exampleToken(n)),
          tokenType: 'Bearer',
          refreshToken: new Secret(firstRefreshToken(n)),
          extra: {},
        })
        const secret = await vault.seal(collected, credentialPlace(id, 1), text)
        const row = connected(n, now, order.tokenPort !== undefined)
        rows.push({ ...row, search_text: searchText(row), id, registration_id: registration.id, secret })
      }
      await store.db.transaction().execute(async (trx) => {
        await trx.insertInto('data_keys').values(dataKeys).execute()
        await trx.insertInto('credentials').values(rows).execute()
      })
    }
  } finally {
    await store.close()
  }
}

/** Makes every credential of an installation run out within the minute that begins now, each due at once. */
export async function letRunOut(folder: string): Promise<void> {
  const now = Date.now()
  const store = await openDatabase({ folder: join(folder, 'data'), now })
  try {
    await store.db
      .updateTable('credentials')
      .set({ token_expires_at: now + 60_000, refresh_due_at: now })
      .execute()
  } finally {
    await store.close()
  }
}

/** Returns how many credentials have which generation and status. */
export async function countGenerations(folder: string): Promise<{ generation: number; status: string; count: number }[]> {
  const store = await openDatabase({ folder: join(folder, 'data'), now: Date.now() })
  try {
    const rows = await store.db
      .selectFrom('credentials')
      .select((eb) => ['generation', 'status', eb.fn.countAll<number>().as('count')])
      .groupBy(['generation', 'status'])
      .execute()
    return rows.map((row) => ({ ...row, count: Number(row.count) }))
  } finally {
    await store.close()
  }
}

export const accessKeyOf = (folder: string): string => readFileSync(join(folder, 'config', 'access-key'), 'utf8').trim()

/** Calls the API with the key of the local command line. */
export async function post<Reply>(url: string, folder: string, path: string, body: unknown): Promise<Reply> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessKeyOf(folder)}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as Reply
}

/** Keeps new data keys in a list, to be written together. */
function collect(rows: NewRow<'data_keys'>[]): DataKeyStore {
  const kept = new Map<string, Awaited<ReturnType<DataKeyStore['insert']>>>()
  return {
    read: (owner) => Promise.resolve(kept.get(owner) ?? null),
    insert(owner, key) {
      kept.set(owner, key)
      rows.push({ owner, wrapped: key.wrapped, master_key_version: key.masterKeyVersion, created_at: 0 })
      return Promise.resolve(key)
    },
  }
}

function connected(n: number, now: number, due: boolean): Omit<NewRow<'credentials'>, 'id' | 'registration_id' | 'secret' | 'search_text'> {
  return {
    name: `mail-${n}`,
    name_key: `mail-${n}`,
    kind: 'oauth2',
    grant_type: 'authorization_code',
    description: 'Made for measuring',
    username: `person-${n}@example.org`,
    subject: `person-${n}`,
    scopes: '["mail.send","offline_access"]',
    options: '{}',
    allowed_hosts: '["127.0.0.1"]',
    tags: '[]',
    status: 'ready',
    status_reason: null,
    status_since: now,
    paused: 0,
    generation: 1,
    has_refresh_token: 1,
    token_obtained_at: now,
    token_expires_at: now + 12 * hour,
    refresh_token_expires_at: null,
    refresh_token_slides: 0,
    warn_at: null,
    warned: null,
    granted_scopes: '["mail.send","offline_access"]',
    refresh_due_at: due ? now : now + 11 * hour,
    failures: 0,
    lease: null,
    lease_until: null,
    last_used_at: null,
    last_used_by: null,
    last_use_outcome: null,
    last_success_at: null,
    created_at: now,
    updated_at: now,
    revision: 1,
  }
}
