import { z } from 'zod'
import { problemCodes, type ProblemCode } from '../base/problem-codes.ts'
import { contract } from './contract.ts'
import { tags, type Endpoint, type Permission } from './endpoint.ts'
import { problemSchema } from './schemas.ts'

type Json = Record<string, unknown>

/** The version of the API, not of the program: it grows when something is taken away or changes its meaning. */
const apiVersion = '1'

let made: Json | undefined

/** Describes the API in OpenAPI 3.1, made from the contract. @see https://spec.openapis.org/oas/v3.1.1.html */
export function openApi(): Json {
  made ??= describe()
  return made
}

function describe(): Json {
  const schemas: Json = {}
  const problem = schemaOf(problemSchema, 'output', schemas)
  const paths: Record<string, Json> = {}
  for (const row of contract as readonly Endpoint[]) {
    const path = (paths[row.path] ??= {})
    path[row.method.toLowerCase()] = operation(row, schemas, problem)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Keybearer',
      version: apiVersion,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Keeps OAuth 2.0 credentials for unattended automation. JSON in snake_case, times as RFC 3339, errors as RFC 9457 with a stable `code` and a `next_step`.',
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        access_key: { type: 'http', scheme: 'bearer', bearerFormat: 'kb_…', description: 'An access key' },
        session: { type: 'apiKey', in: 'cookie', name: 'keybearer_session', description: 'The session of a signed-in person' },
      },
    },
  }
}

function operation(row: Endpoint, schemas: Json, problem: Json): Json {
  const parameters = [...pathParameters(row, schemas), ...queryParameters(row, schemas), ...headerParameters(row)]
  const codes = problemsOf(row)
  return {
    operationId: row.id,
    summary: row.summary,
    ...(row.description ? { description: row.description } : {}),
    tags: [row.tag],
    security: row.permission === 'public' ? [] : row.permission === 'person' ? [{ session: [] }] : [{ access_key: [] }, { session: [] }],
    'x-permission': describePermission(row.permission),
    'x-audit': row.audit,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(row.body ? { requestBody: { required: !row.bodyOptional, content: { 'application/json': { schema: schemaOf(row.body, 'input', schemas) } } } } : {}),
    responses: { [String(row.status)]: success(row, schemas), ...problemResponses(codes, problem) },
  }
}

function success(row: Endpoint, schemas: Json): Json {
  const headers: Json = {
    ...(row.hasEtag ? { ETag: { description: 'The revision, for If-Match', schema: { type: 'string' } } } : {}),
    ...(row.status === 303 ? { Location: { description: 'The page that says how it ended', schema: { type: 'string' } } } : {}),
  }
  const more = Object.keys(headers).length > 0 ? { headers } : {}
  switch (row.kind) {
    case 'json':
      return { description: row.summary, ...more, content: { 'application/json': { schema: schemaOf(row.reply!, 'output', schemas) } } }
    case 'events':
      return {
        description: "Each event's data is one of these as JSON",
        ...more,
        content: { 'text/event-stream': { schema: schemaOf(row.reply!, 'output', schemas) } },
      }
    case 'html':
      return { description: 'A page', ...more, ...(row.status === 303 ? {} : { content: { 'text/html': { schema: { type: 'string' } } } }) }
    case 'text':
      return { description: 'Text', ...more, content: { 'text/plain': { schema: { type: 'string' } } } }
    case 'lines':
      return { description: 'One JSON object per line', ...more, content: { 'application/jsonl': { schema: { type: 'string' } } } }
    case 'file':
      return { description: 'The file', ...more, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } }
    case 'nothing':
      return { description: 'Done', ...more }
  }
}

/** Returns the codes of the problems that an endpoint can answer with. */
export function problemsOf(row: Endpoint): ProblemCode[] {
  const codes: ProblemCode[] = ['invalid_request', 'host_not_expected', 'origin_not_allowed', 'shutting_down', 'internal_error']
  if (row.permission !== 'public') codes.push('not_signed_in')
  if (row.permission !== 'public' && row.permission !== 'any') codes.push('not_allowed')
  if (row.fresh === true) codes.push('sign_in_stale')
  if (row.params && row.kind !== 'html') codes.push('not_found')
  if (row.body) codes.push('malformed_json', 'payload_too_large', 'unsupported_media_type')
  if (row.permission !== 'public' || row.audit !== null) codes.push('storage_unavailable', 'storage_full')
  if (row.audit !== null) codes.push('audit_blocked')
  return [...new Set([...codes, ...(row.problems ?? [])])]
}

function problemResponses(codes: ProblemCode[], problem: Json): Json {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) byStatus.set(problemCodes[code].status, [...(byStatus.get(problemCodes[code].status) ?? []), code])
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, some]) => [
        String(status),
        {
          description: some.map((code) => `\`${code}\`: ${problemCodes[code].title}`).join('. '),
          content: { 'application/problem+json': { schema: problem } },
        },
      ]),
  )
}

function pathParameters(row: Endpoint, schemas: Json): Json[] {
  return Object.entries(row.params?.shape ?? {}).map(([name, schema]) => parameter(name, 'path', schema as z.ZodType, true, schemas))
}

function queryParameters(row: Endpoint, schemas: Json): Json[] {
  return Object.entries(row.query?.shape ?? {}).map(([name, schema]) => parameter(name, 'query', schema as z.ZodType, false, schemas))
}

function parameter(name: string, where: 'path' | 'query', schema: z.ZodType, required: boolean, schemas: Json): Json {
  const { description, ...json } = schemaOf(schema, 'output', schemas)
  return {
    name,
    in: where,
    required,
    ...(description ? { description } : {}),
    ...(json.type === 'array' ? { style: 'form', explode: false } : {}),
    schema: json,
  }
}

function headerParameters(row: Endpoint): Json[] {
  const header = (name: string, description: string) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } })
  return [
    ...(row.takesIfMatch ? [header('If-Match', 'Change only this revision: the ETag that was read')] : []),
    ...(row.takesIdempotencyKey ? [header('Idempotency-Key', 'A text of your own; the same request with the same text is done once')] : []),
    ...(row.kind === 'events' ? [header('Last-Event-ID', 'The last event that was heard')] : []),
  ]
}

/** Says a permission in words, for the reference page. */
export function describePermission(permission: Permission): string {
  if (permission === 'public') return "nobody's: no key is needed"
  if (permission === 'any') return 'any valid key'
  if (permission === 'person') return 'a signed-in person'
  if ('administration' in permission) return `administers ${permission.administration}`
  if ('anyAction' in permission) return 'to run any action, or administers manage'
  if ('anyCredential' in permission) return `${permission.anyCredential} on any credential, or administers manage`
  return permission.credential === 'read' ? 'read on the credential, or administers manage' : `${permission.credential} on the credential`
}

/** Turns a zod schema into JSON Schema; what has an id goes to the components and leaves a reference. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as Json
  const { $schema: _, $defs, ...rest } = json
  for (const [id, definition] of Object.entries(($defs ?? {}) as Json)) schemas[id] = tidy(definition, io)
  return tidy(rest, io) as Json
}

/** Points references at the components, and lets replies grow: a client must not choke on a new field. */
function tidy(value: unknown, io: 'input' | 'output'): unknown {
  if (Array.isArray(value)) return value.map((item) => tidy(item, io))
  if (typeof value !== 'object' || value === null) return value
  const object = value as Json
  const tidied: Json = {}
  for (const [key, inner] of Object.entries(object)) {
    if (key === '$ref') tidied.$ref = String(inner).replace('#/$defs/', '#/components/schemas/')
    else if (key === 'id' && typeof inner === 'string' && 'type' in object) continue
    else if (key === 'additionalProperties' && inner === false && io === 'output') continue
    else if (key === 'minimum' && inner === Number.MIN_SAFE_INTEGER) continue
    else if (key === 'maximum' && inner === Number.MAX_SAFE_INTEGER) continue
    else tidied[key] = tidy(inner, io)
  }
  return tidied
}
