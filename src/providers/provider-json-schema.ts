import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { providerSchema } from './provider-schema.ts'

export const schemaFile = new URL('../../providers/schema.json', import.meta.url)

/** Returns the text of `providers/schema.json`, which editors use to help with a description. */
export function providerJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(providerSchema, { io: 'input', target: 'draft-2020-12' }), null, 2)}\n`
}

if (import.meta.main) writeFileSync(schemaFile, providerJsonSchema())
