import { auditActions } from '../../src/access/audit-actions.ts'
import { eventTypes } from '../../src/base/events.ts'
import { code, link, prose, table } from './markdown.ts'

/** The part of JSON Schema that the contract's schemas use. */
export type Schema = {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  description?: string
  format?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
}

/** Says a type in words; what has a name of its own becomes a link. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!
    return link(name, `#${name.toLowerCase()}`)
  }
  if (schema.const !== undefined) return code(String(schema.const))
  const page = schema.enum && pageOf(schema.enum)
  if (page) return page
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ')
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.allOf) return schema.allOf.map(typeOf).join(' and ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' or ')
  switch (schema.type) {
    case 'array':
      return `list of ${schema.items ? typeOf(schema.items) : 'anything'}`
    case 'object': {
      if (schema.properties && Object.keys(schema.properties).length > 0) return 'object'
      return typeof schema.additionalProperties === 'object' ? `object, names to ${typeOf(schema.additionalProperties)}` : 'object'
    }
    case 'string':
      return schema.format === 'date-time' ? 'time' : 'text'
    case 'integer':
      return 'whole number'
    case undefined:
      return 'anything'
    default:
      return schema.type
  }
}

/** Returns a link to the page that lists the values, where there is one. */
function pageOf(values: unknown[]): string | undefined {
  if (values.every((value) => String(value) in auditActions)) return link('audit action', 'audit-actions.md')
  if (values.every((value) => String(value) in eventTypes)) return link('kind of event', 'events.md')
  return undefined
}

/** Makes a table of the fields of an object; objects without a name of their own are opened. */
export function fieldTable(schema: Schema, isInput: boolean): string {
  const rows = fields(schema, '', isInput)
  return isInput
    ? table(['Field', 'Type', 'Needed', 'Meaning'], rows)
    : table(
        ['Field', 'Type', 'Meaning'],
        rows.map((row) => row.toSpliced(2, 1)),
      )
}

function fields(schema: Schema, prefix: string, isInput: boolean): string[][] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const { inner, suffix } = openUp(field)
    return [
      [code(`${prefix}${name}`), typeOf(field), required.has(name) ? 'yes' : '', meaning(field, isInput)],
      ...(inner ? fields(inner, `${prefix}${name}${suffix}.`, isInput) : []),
    ]
  })
}

/** Finds the object without a name that a field is, may be, or lists. */
function openUp(field: Schema): { inner: Schema | null; suffix: string } {
  if (field.properties) return { inner: field, suffix: '' }
  if (field.items?.properties) return { inner: field.items, suffix: '[]' }
  const choice = field.anyOf?.find((one) => one.properties)
  return { inner: choice ?? null, suffix: '' }
}

function meaning(field: Schema, isInput: boolean): string {
  const description = field.description === undefined || field.description === 'RFC 3339' ? '' : prose(field.description)
  const size = isInput ? limit(field) : ''
  return [description.replace(/\.$/, ''), size].filter((part) => part !== '').join('. ')
}

function limit(field: Schema): string {
  if (field.maxLength !== undefined) return `At most ${field.maxLength.toLocaleString('en-US')} characters`
  if (field.maxItems !== undefined) return `At most ${field.maxItems.toLocaleString('en-US')} entries`
  if (field.minimum !== undefined && field.maximum !== undefined) return `${field.minimum.toLocaleString('en-US')} to ${field.maximum.toLocaleString('en-US')}`
  return ''
}
