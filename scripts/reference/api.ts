import { contract } from '../../src/api/contract.ts'
import { tags, type Endpoint } from '../../src/api/endpoint.ts'
import { describePermission, openApi, problemsOf } from '../../src/api/openapi.ts'
import type { ProblemCode } from '../../src/base/problem-codes.ts'
import { apiExamples, type ApiExample } from './api-examples.ts'
import { anchorOf, code, fence, link, page, prose, sentence, table } from './markdown.ts'
import { fieldTable, typeOf, type Schema } from './schema-table.ts'

type Content = Record<string, { schema: Schema }>
type Operation = {
  parameters?: { name: string; in: 'path' | 'query' | 'header'; description?: string; schema: Schema }[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

const rows = contract as readonly Endpoint[]
const heading = (row: Endpoint) => `${row.method} ${row.path}`

/** Returns where an endpoint stands on the page. */
export const endpointAnchor = (row: Endpoint): string => anchorOf(heading(row))

export function makeApiPage(): string {
  const api = openApi() as { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }
  return page(
    'src/api/contract.ts',
    'HTTP API',
    `Everything that Keybearer does can be called over HTTP; the command line does the same calls. This page says what there is. The same for programs: ${link(code('openapi.json'), 'openapi.json')}, which the service also gives at ${code('/openapi.json')} (OpenAPI 3.1).`,
    opening,
    '## All calls',
    table(
      ['Call', 'What it does'],
      rows.map((row) => [link(code(heading(row)), `#${endpointAnchor(row)}`), prose(row.summary)]),
    ),
    Object.entries(tags).flatMap(([tag, meaning]) => {
      const own = rows.filter((row) => row.tag === tag)
      return own.length === 0 ? [] : [`## ${tag}`, meaning, ...own.flatMap((row) => section(row, api.paths[row.path]![row.method.toLowerCase()]!))]
    }),
    '## Objects',
    'What calls take and give. A reply may get further fields in later versions, so a program must pass over those it does not know; an input with a field that is not listed is refused.',
    Object.entries(api.components.schemas)
      .sort(([a], [b]) => a.localeCompare(b))
      .flatMap(([name, schema]) => [
        `### ${name}`,
        ...(schema.description ? [prose(sentence(schema.description))] : []),
        Object.keys(schema.properties ?? {}).length > 0 ? fieldTable(schema, isInput(name, api.paths)) : sentence(typeOf(schema)),
      ]),
  )
}

const opening = [
  '## How to call',
  'The address is `http://127.0.0.1:7420` unless told otherwise. Each call carries an access key. Keep the header in a file that only its owner can read, so that the key shows up neither in the list of processes nor in the history of the shell:',
  fence(
    'sh',
    [
      'umask 077',
      'printf \'Authorization: Bearer %s\\n\' "$(cat ~/.config/keybearer/access-key)" > key.header',
      'curl -s -H @key.header http://127.0.0.1:7420/v1/credentials',
    ].join('\n'),
  ),
  'That file is the key of the local command line, which may do everything. An automation gets a [key of its own](permissions.md), made with `keybearer key create`.',
  [
    '- **Bodies** are JSON objects, with names in snake_case; a body sent needs `Content-Type: application/json` (curl: `--json`). A field that is not known is refused, so that a typing error cannot pass unnoticed.',
    '- **Times** are RFC 3339, such as `2026-11-24T06:12:09Z`. Periods are whole seconds.',
    '- **Names**: where a path has `{credential}`, `{sender}`, `{registration}` or `{access_key}`, an id or a name may stand.',
    '- **Lists** come in pages `{"items": […], "next": "…"}`. Send `next` as `cursor` to get the following page; at the end it is `null`.',
    '- **Errors** have a `code` and a `next_step`: see [errors](errors.md).',
    '- **Changing what was read**: a reply with an `ETag` can be changed with `If-Match`, and then only if nobody changed it meanwhile ([`changed_meanwhile`](errors.md#changed_meanwhile)).',
    '- **Sending twice by accident**: where it is listed, send an `Idempotency-Key`, a text of your own. The same request with the same text is done once, and the second time gets the first reply.',
    '- **Request ids**: every reply has an `X-Request-Id`, which also stands in the log.',
  ].join('\n'),
]

function section(row: Endpoint, operation: Operation): string[] {
  const example = (apiExamples as Partial<Record<string, ApiExample>>)[row.id]
  const parameters = operation.parameters ?? []
  const body = operation.requestBody?.content['application/json']?.schema
  return [
    `### ${heading(row)}`,
    [prose(row.summary), ...(row.description ? [prose(row.description)] : [])].join(' '),
    `Needs: ${link(describePermission(row.permission), 'permissions.md')}. Recorded as: ${row.audit === null ? 'nothing, it only looks' : link(code(row.audit), 'audit-actions.md')}.`,
    ...(parameters.length === 0
      ? []
      : [
          table(
            ['Parameter', 'In', 'Type', 'Meaning'],
            parameters.map((one) => [code(one.name), one.in, typeOf(one.schema), prose(one.description ?? '')]),
          ),
        ]),
    ...(body === undefined ? [] : [`Body${row.bodyOptional ? ', which may be left out' : ''}: ${typeOf(body)}.`]),
    reply(row, operation),
    ...(example === undefined
      ? []
      : [fence('sh', curl(row, example)), ...(example.reply === undefined ? [] : [fence('json', JSON.stringify(example.reply, null, 2))])]),
    ...errors(row),
  ]
}

function reply(row: Endpoint, operation: Operation): string {
  const content = Object.entries(operation.responses[String(row.status)]?.content ?? {})[0]
  switch (row.kind) {
    case 'json':
      return `Reply ${row.status}: ${typeOf(content![1].schema)}${row.hasEtag ? ', with an `ETag`' : ''}.`
    case 'events':
      return `Reply ${row.status}: a stream (${code(content![0])}), each of its events ${typeOf(content![1].schema)}.`
    case 'nothing':
      return `Reply ${row.status}, without a body.`
    case 'html':
      return row.status === 303 ? 'Reply 303: sends the browser on to another page.' : `Reply ${row.status}: a page.`
    case 'lines':
      return `Reply ${row.status}: one JSON object per line (${code(content![0])}).`
    case 'file':
      return `Reply ${row.status}: a file (${code(content![0])}).`
    case 'text':
      return `Reply ${row.status}: text.`
  }
}

/** Names the errors that belong to this call more than to any other. */
function errors(row: Endpoint): string[] {
  const general = new Set<ProblemCode>(problemsOf({ ...row, problems: [] }))
  const own = [...new Set<ProblemCode>(row.problems ?? [])].filter((one) => !general.has(one))
  return own.length === 0 ? [] : [`Errors of its own: ${own.map((one) => link(code(one), `errors.md#${one}`)).join(', ')}.`]
}

function curl(row: Endpoint, { params = {}, query, body, headers = {} }: ApiExample): string {
  const path = row.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? name)
  const url = `http://127.0.0.1:7420${path}${query === undefined ? '' : `?${query}`}`
  const parts = [
    row.kind === 'events' ? 'curl -sN' : 'curl -s',
    ...(row.permission === 'public' ? [] : ['-H @key.header']),
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(row.method === 'GET' || (row.method === 'POST' && body !== undefined) ? [] : [`-X ${row.method}`]),
    query === undefined ? url : `'${url}'`,
  ].join(' ')
  return body === undefined ? parts : `${parts} \\\n  --json '${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}'`
}

/** Returns whether an object is something that calls take. */
function isInput(name: string, paths: Record<string, Record<string, Operation>>): boolean {
  const reference = `"#/components/schemas/${name}"`
  const bodies = Object.values(paths).flatMap((methods) => Object.values(methods).map((one) => JSON.stringify(one.requestBody ?? {})))
  return bodies.some((body) => body.includes(reference)) || ['NewRegistration', 'Permission', 'CredentialOptions'].includes(name)
}
