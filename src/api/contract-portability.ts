import { z } from 'zod'
import { importFormats } from '../credentials/import-draft.ts'
import { credentialKinds } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { count, ref, secret } from './schemas.ts'

/** As much as a message may have, beside what JSON adds to it. */
const longestFile = 30_000_000

const importItem = z
  .object({
    name: z.string().meta({ description: 'As the file names it' }),
    kind: z.enum(credentialKinds).nullable(),
    provider: z.string().nullable(),
    action: z.enum(['create', 'skip', 'rename', 'replace', 'refused']),
    final_name: z.string().nullable().meta({ description: 'Its name here afterwards; null when it does not come' }),
    problem: z.object({ code: z.string(), detail: z.string(), next_step: z.string() }).nullable(),
    notes: z.array(z.string()).meta({ description: 'What should be known of it, such as where its secret may go' }),
  })
  .meta({ id: 'ImportItem' })

export const portabilityEndpoints = [
  endpoint({
    id: 'exportCredentials',
    method: 'POST',
    path: '/v1/credentials/export',
    tag: 'Credentials',
    summary: 'Writes credentials, with their registrations, to a file for another Keybearer.',
    description:
      'Secrets are left out, or the whole file is encrypted with a passphrase in the format of age. An access key that takes secrets along needs the right "token" on all credentials.',
    permission: { administration: 'manage' },
    audit: 'credential.exported',
    fresh: true,
    body: z
      .strictObject({
        credentials: z.array(ref('credential')).min(1).max(2000).optional().meta({ description: 'Ids or names; all of them unless told' }),
        secrets: z.enum(['none', 'encrypted']),
        passphrase: secret('The passphrase, of at least 12 characters.', 1000).optional(),
      })
      .meta({ id: 'ExportOrder' }),
    status: 200,
    kind: 'json',
    reply: z
      .object({
        file_name: z.string(),
        content: z.string().meta({ description: 'The file, as text' }),
        count: count.meta({ description: 'Credentials in it' }),
      })
      .meta({ id: 'ExportedFile' }),
    noStore: true,
    problems: ['not_found', 'decrypt_failed'],
  }),
  endpoint({
    id: 'importCredentials',
    method: 'POST',
    path: '/v1/credentials/import',
    tag: 'Credentials',
    summary: 'Brings credentials in from a file: all of it, or nothing when one item is refused.',
    description:
      'Understood are exports of Keybearer, JSON files of Google, configurations of email-oauth2-proxy and rclone, decrypted token files of mutt_oauth2.py, and CSV tables of API keys and passwords. A dry run gives the same answer and writes nothing.',
    permission: { administration: 'manage' },
    audit: 'credential.imported',
    body: z
      .strictObject({
        content: secret('The file, as text.', longestFile),
        passphrase: secret('The passphrase of an encrypted export.', 1000).optional(),
        on_clash: z.enum(['skip', 'rename', 'replace']).meta({ description: 'What happens to an item whose name is taken here' }),
        dry_run: z.boolean().optional(),
        format: z
          .enum(['auto', ...importFormats])
          .optional()
          .meta({ description: 'auto unless told: found out from the file' }),
      })
      .meta({ id: 'ImportOrder' }),
    largeBody: true,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        format: z.enum(importFormats),
        applied: z.boolean().meta({ description: 'false after a dry run, and when an item was refused: then nothing was written' }),
        items: z.array(importItem),
      })
      .meta({ id: 'ImportResult' }),
    problems: ['import_invalid', 'import_passphrase', 'changed_meanwhile', 'name_taken'],
  }),
] as const
