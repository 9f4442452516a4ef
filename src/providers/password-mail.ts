import { readFileSync } from 'node:fs'
import { z } from 'zod'

const text = (max: number) => z.string().min(1).max(max)

const service = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'must be lower-case letters, digits and hyphens'),
  name: text(100),
  /** Mail domains that are its own. */
  domains: z.array(z.string().regex(/^[a-z0-9.-]+\.[a-z]{2,}$/, 'must be a domain in lower case')).min(1),
  /** Its submission server. */
  host: text(200),
  port: z.int().min(1).max(65_535),
  tls: z.enum(['implicit', 'starttls']),
  /** The user name: the whole address, or what stands before the at sign. */
  login: z.enum(['address', 'local_part']),
  /** Whether only an app password opens it, or the password of the account does, unless a second factor is on. */
  password: z.enum(['app', 'account']),
})

/** Mail services whose servers take a user name and a password and know no OAuth 2.0. */
export const passwordMailSchema = z.strictObject({ services: z.array(service) })
export type PasswordMail = z.output<typeof service>

/** Returns what finds the one of a mail domain in a file of these services, which is read when it is asked first. */
export function readPasswordMail(file: string): (domain: string) => PasswordMail | null {
  let byDomain: Map<string, PasswordMail> | undefined
  return (domain) => {
    byDomain ??= new Map(
      passwordMailSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).services.flatMap((one) => one.domains.map((own) => [own, one] as const)),
    )
    return byDomain.get(domain) ?? null
  }
}
