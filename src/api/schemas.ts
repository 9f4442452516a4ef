import { z } from 'zod'
import { diagnosisActions, diagnosisActors, diagnosisRetries } from '../base/diagnosis.ts'

/** A word of the user's own: anything but control characters, so that it cannot forge lines or upset a database. */
export const word = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')

/** Text of several lines. */
export const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, 'must not contain NUL')

/** A secret on its way in. It is in no reply. */
export const secret = (what: string, max = 8000) =>
  z
    .string()
    .min(1)
    .max(max)
    .meta({ description: `${what} Never in a reply.`, writeOnly: true })

/** The id or the name of something. */
export const ref = (what: string) => word(200).meta({ description: `Id or name of the ${what}` })

export const time = z.iso.datetime({ offset: true }).meta({ description: 'RFC 3339' })
export const optionalTime = time.nullable()

export const count = z.int().min(0)

/** A query parameter of several values, separated by commas. */
export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value), z.array(item).max(50))

/** A switch in a query: true or false. */
export const flag = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())

export const pageQuery = {
  cursor: word(500).optional().meta({ description: 'Where the last page ended: its `next`' }),
  limit: z.coerce.number().int().min(1).max(500).optional().meta({ description: 'Items per page, 100 unless told' }),
}

/** One page of a list; `next` is the cursor of the following one, null at the end. */
export const page = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.string().nullable() })

export const named = z.object({ id: z.string(), name: z.string() }).meta({ id: 'Named', description: 'Something by its id and name' })

export const placeholders = z.record(word(100), word(2000)).meta({ description: "Values of the provider's placeholders, such as `tenant`" })

export const diagnosisFields = {
  title: z.string(),
  meaning: z.string(),
  causes: z.array(z.string()).meta({ description: 'The likeliest first' }),
  fix: z.array(z.string()).meta({ description: 'Step by step, with the values of the credential' }),
}

/** What a failure means. */
export const diagnosisSchema = z
  .object({
    id: z.string(),
    ...diagnosisFields,
    who: z.enum(diagnosisActors).meta({ description: 'Who has to act' }),
    action: z.enum(diagnosisActions),
    retry: z.enum(diagnosisRetries),
    source: z.string(),
  })
  .meta({ id: 'Diagnosis', description: 'What a failure means and what to do, in words for a person. It is advice: programs go by `code` and `status`' })

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; see the reference of errors' }),
    detail: z.string(),
    next_step: z.string(),
    request_id: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    retry_after: z.number().optional().meta({ description: 'Seconds, the same as in the Retry-After header' }),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    diagnosis: diagnosisSchema.optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong and what to do (RFC 9457)' })
