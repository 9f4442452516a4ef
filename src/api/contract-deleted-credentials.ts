import { z } from 'zod'
import { credentialKinds, grantTypes } from '../credentials/types.ts'
import { credential } from './contract-credentials.ts'
import { endpoint } from './endpoint.ts'
import { count, named, page, pageQuery, time, word } from './schemas.ts'

const deleted = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(credentialKinds),
    grant: z.enum(grantTypes).nullable(),
    username: z.string().nullable(),
    registration: z.string().nullable().meta({ description: 'The name of the registration that it needs' }),
    has_secret: z.boolean().meta({ description: 'Whether a secret comes back with it; tokens that were taken back at the provider do not' }),
    deleted_at: time,
    deleted_by: named,
    restorable_until: time,
  })
  .meta({ id: 'RestorableCredential', description: 'A credential that was deleted: nobody can use it, and until then it can be restored' })

const params = z.strictObject({ credential: word(200).meta({ description: 'Id of the deleted credential, or its name; of several, the one deleted last' }) })

export const deletedCredentialEndpoints = [
  endpoint({
    id: 'listDeletedCredentials',
    method: 'GET',
    path: '/v1/deleted-credentials',
    tag: 'Credentials',
    summary: 'Lists deleted credentials that can still be restored, the latest first.',
    permission: { administration: 'manage' },
    audit: null,
    query: z.strictObject(pageQuery),
    status: 200,
    kind: 'json',
    reply: page(deleted)
      .extend({ days: count.meta({ description: 'Days that a credential can be restored after it was deleted; 0: it is purged at once' }) })
      .meta({ id: 'RestorableCredentialPage' }),
  }),
  endpoint({
    id: 'restoreCredential',
    method: 'POST',
    path: '/v1/deleted-credentials/{credential}/restore',
    tag: 'Credentials',
    summary: 'Brings a deleted credential back.',
    description:
      'It has the id that it had, so that access keys that name it reach it again. What renews itself is renewed at once; tokens that were taken back need a person who connects it again. Where an emergency stop was ordered after it had been deleted, it comes back paused.',
    permission: { administration: 'manage' },
    audit: 'credential.restored',
    params,
    body: z.strictObject({ name: word(200).optional().meta({ description: 'Another name than the one it had' }) }).meta({ id: 'RestoreCredential' }),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: credential,
    problems: ['name_taken'],
  }),
  endpoint({
    id: 'purgeCredential',
    method: 'DELETE',
    path: '/v1/deleted-credentials/{credential}',
    tag: 'Credentials',
    summary: 'Destroys a deleted credential with the key of its secret, for good.',
    description:
      'No copy of the database can open its secret from then on. Backups made before hold that key, wrapped by the master key: replace the master key as well if they may have come into wrong hands.',
    permission: { administration: 'purge' },
    audit: 'credential.purged',
    params,
    status: 204,
    kind: 'nothing',
  }),
] as const
