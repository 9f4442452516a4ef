import type { z } from 'zod'
import { Problem, type FieldError } from '../base/problem.ts'

/** Checks a part of the request against its schema. @throws Problem invalid_request with every wrong field */
export function checkInput<Schema extends z.ZodType>(schema: Schema, value: unknown, part: 'path' | 'query' | 'body'): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, part))
  throw new Problem('invalid_request', says[part], { errors })
}

const says = { path: 'The address names something that cannot exist.', query: 'The query is not understood.', body: 'The body is not understood.' }

type Issue = z.core.$ZodIssue

/** Makes sentences of what zod found. They name fields and what is expected, never the value that came. */
function fieldErrors(issue: Issue, part: string): FieldError[] {
  const at = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: (at === '' ? '' : `${at}.`) + key.slice(0, 60), message: `is not a field of this ${part}` }))
  }
  return [{ path: at === '' ? `(${part})` : at, message: messageOf(issue) }]
}

function messageOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.message.includes('undefined') ? 'is needed' : `must be ${article(issue.expected)}`
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => String(value)).join(', ')}`
    case 'too_big':
      return `must ${amount('most', issue.maximum, issue.origin)}`
    case 'too_small':
      return `must ${amount('least', issue.minimum, issue.origin)}`
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be a time such as 2027-01-31T08:00:00Z'
        : issue.message.startsWith('must ')
          ? issue.message
          : `must be ${article(issue.format)}`
    case 'invalid_union':
      return 'has none of the forms that are understood'
    default:
      return issue.message.startsWith('must ') ? issue.message : 'is not valid'
  }
}

const amount = (end: 'most' | 'least', limit: number | bigint, origin: string) =>
  origin === 'string' ? `have at ${end} ${limit} characters` : origin === 'array' ? `have at ${end} ${limit} items` : `be at ${end} ${limit}`

const article = (word: string) => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`)

/**
 * Returns the query as an object. A name that comes twice is refused: which one counts is a matter of taste, and taste
 * differs between programs.
 */
export function readQuery(query: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null) as Record<string, string>
  if (query === '') return found
  for (const [name, value] of new URLSearchParams(query)) {
    if (name in found) throw new Problem('invalid_request', 'The query is not understood.', { errors: [{ path: name.slice(0, 60), message: 'came twice' }] })
    found[name] = value
  }
  return found
}
