import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import type { Provider } from './provider-schema.ts'

const text = (max: number) => z.string().min(1).max(max)
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as 2026-11-25')

const configuration = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'must be lower-case letters, digits and hyphens'),
  /** Whose identity the consent page shows. */
  app: text(100),
  variant: text(100).optional(),
  repository: z.url({ protocol: /^https$/ }),
  /** Where its publisher keeps it: repository and path. */
  source: text(300),
  /** When somebody last looked there. */
  seen: day,
  /** Id of a provider of the catalogue. */
  provider: text(100),
  placeholders: z.record(text(100), text(300)).default({}),
  purposes: z.array(text(50)).min(1),
  client_id: text(500),
  redirect_uri: z.url({ protocol: /^https?$/ }).optional(),
  /** What is behind the redirect: an address of one's own machine, a page that the provider made for it, or nothing. */
  redirect: z.enum(['loopback', 'provider_page', 'none']),
  /** How a service can use it: the address is pasted back, or a code is entered elsewhere. */
  ways: z.array(z.enum(['paste', 'device'])).min(1),
  /** Whether a client secret belongs to it. It is never here: the person looks it up at `source`. */
  needs_secret: z.boolean(),
  scopes: z.array(text(500)),
  /** What its publisher says about use by others. */
  statement: text(500),
})

/** Client registrations that well-known applications publish in their sources. No client secret of anybody is among them. */
export const popularFileSchema = z.strictObject({ $schema: z.string().optional(), configurations: z.array(configuration) })

export type PopularConfiguration = z.output<typeof configuration>

/** Reads the file of configurations. @throws Problem provider_invalid with what is wrong where */
export function readPopular(file: string): PopularConfiguration[] {
  let raw: unknown
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Problem('provider_invalid', `${file} is not JSON: ${(error as Error).message}.`)
  }
  const result = popularFileSchema.safeParse(raw)
  if (result.success) return result.data.configurations
  const errors = result.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }))
  throw new Problem('provider_invalid', `${file}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`, { errors })
}

/** Returns a provider as that application uses it: its redirect and nothing else takes the place of one's own. */
export function withPopular(provider: Provider, { redirect_uri: redirect, ways, needs_secret: needsSecret }: PopularConfiguration): Provider {
  return {
    ...provider,
    grants: provider.grants.filter(
      (grant) => (grant === 'authorization_code' && ways.includes('paste')) || (grant === 'device_code' && ways.includes('device')),
    ),
    client_auth: needsSecret ? provider.client_auth.filter((method) => method.startsWith('client_secret')) : ['none'],
    ...(redirect === undefined ? {} : { redirect_value: redirect }),
  }
}
