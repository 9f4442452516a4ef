import { openApi } from '../src/api/openapi.ts'
import { eventTypes } from '../src/base/events.ts'

type Json = Record<string, unknown>

/** Makes the types and the table of operations of the TypeScript client from the API's description. */
export function makeClientOperations(): string {
  const api = openApi()
  const schemas = (api.components as { schemas: Record<string, Json> }).schemas
  const types = Object.entries(schemas).map(([name, schema]) => `${comment(schema, '')}export type ${name} = ${typeOf(schema)}\n`)
  const rows: string[] = []
  const table: string[] = []
  for (const [path, methods] of Object.entries(api.paths as Record<string, Record<string, Json>>)) {
    for (const [method, operation] of Object.entries(methods)) {
      const id = String(operation.operationId)
      rows.push(`  /** ${String(operation.summary)} */\n  ${id}: ${describe(operation)}`)
      const reply = jsonOf(firstSuccess(operation)) === null ? otherReply(operation) : 'json'
      table.push(`  ${id}: { method: '${method.toUpperCase()}', path: '${path}', reply: '${reply}' },`)
    }
  }
  return [
    '// Made from the contract by "npm run generate": do not edit.\n',
    ...types,
    '/** What every operation takes and gives. */',
    'export type Operations = {',
    ...rows,
    '}\n',
    '/** How every operation is called. */',
    'export const operations = {',
    ...table,
    '} as const\n',
    '/** Every kind of event. */',
    `export const eventTypes = [${Object.keys(eventTypes)
      .map((type) => `'${type}'`)
      .join(', ')}] as const`,
    '',
  ].join('\n')
}

function describe(operation: Json): string {
  const parameters = (operation.parameters ?? []) as { name: string; in: string; required?: boolean; schema: Json }[]
  const of = (where: string) => parameters.filter((one) => one.in === where)
  const object = (list: typeof parameters) =>
    list.length === 0 ? 'Record<string, never>' : `{ ${list.map((one) => `${one.name}${one.required === true ? '' : '?'}: ${typeOf(one.schema)}`).join('; ')} }`
  const body = operation.requestBody as { content: { 'application/json': { schema: Json } } } | undefined
  const reply = jsonOf(firstSuccess(operation))
  return `{ params: ${object(of('path'))}; query: ${object(of('query'))}; body: ${body ? typeOf(body.content['application/json'].schema) : 'undefined'}; reply: ${reply === null ? otherTypes[otherReply(operation)] : typeOf(reply)} }`
}

const otherTypes = { nothing: 'null', file: 'Uint8Array<ArrayBuffer>', text: 'string' }

function otherReply(operation: Json): keyof typeof otherTypes {
  if (firstSuccessStatus(operation) === '204') return 'nothing'
  const content = (firstSuccess(operation).content ?? {}) as Json
  return content['application/octet-stream'] === undefined ? 'text' : 'file'
}

const firstSuccessStatus = (operation: Json): string => Object.keys(operation.responses as Json).find((status) => /^[23]/.test(status)) ?? ''
const firstSuccess = (operation: Json): Json => (operation.responses as Record<string, Json>)[firstSuccessStatus(operation)] ?? {}
const jsonOf = (response: Json): Json | null => {
  const content = response.content as Record<string, { schema: Json }> | undefined
  return content?.['application/json']?.schema ?? null
}

function comment(schema: Json, indent: string): string {
  return typeof schema.description === 'string' ? `${indent}/** ${schema.description.replaceAll('*/', '* /')} */\n` : ''
}

function typeOf(schema: Json | boolean): string {
  if (typeof schema === 'boolean') return 'unknown'
  if (typeof schema.$ref === 'string') return schema.$ref.split('/').at(-1)!
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const union = (schema.anyOf ?? schema.oneOf) as Json[] | undefined
  if (union) return [...new Set(union.map(typeOf))].join(' | ')
  if (Array.isArray(schema.allOf)) return (schema.allOf as Json[]).map(typeOf).join(' & ')
  if (Array.isArray(schema.type)) return (schema.type as string[]).map((type) => typeOf({ ...schema, type })).join(' | ')
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array': {
      const inner = typeOf((schema.items ?? true) as Json)
      return /[ |&]/.test(inner) && !inner.startsWith('{') ? `(${inner})[]` : `${inner}[]`
    }
    case 'object':
      return objectType(schema)
    default:
      return 'unknown'
  }
}

function objectType(schema: Json): string {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>)
  if (properties.length === 0) {
    const values = schema.additionalProperties
    return values === false ? 'Record<string, never>' : `Record<string, ${values === undefined || values === true ? 'unknown' : typeOf(values as Json)}>`
  }
  const required = new Set((schema.required ?? []) as string[])
  return `{ ${properties.map(([name, property]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`}${required.has(name) ? '' : '?'}: ${typeOf(property)}`).join('; ')} }`
}
