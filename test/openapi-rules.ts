type Json = Record<string, unknown>

/** What a member must be: a type, one of some texts, or a further rule. */
type Rule = 'string' | 'boolean' | 'number' | 'any' | ((value: unknown, at: string, faults: string[]) => void)
type Shape = { required?: string[]; members: Record<string, Rule>; /** For names that are not listed; left out: refused. */ others?: Rule }

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function check(value: unknown, rule: Rule, at: string, faults: string[]): void {
  if (typeof rule === 'function') rule(value, at, faults)
  else if (rule !== 'any' && typeof value !== rule) faults.push(`${at} must be a ${rule}`)
}

/** An object with these members and no others; extensions begin with x-. */
const object =
  ({ required = [], members, others }: Shape): Rule =>
  (value, at, faults) => {
    if (!isObject(value)) return void faults.push(`${at} must be an object`)
    for (const name of required) if (!(name in value)) faults.push(`${at} lacks ${name}`)
    for (const [name, inner] of Object.entries(value)) {
      const rule = Object.hasOwn(members, name) ? members[name] : others
      if (rule !== undefined) check(inner, rule, `${at}.${name}`, faults)
      else if (!name.startsWith('x-')) faults.push(`${at} must not have ${name}`)
    }
  }
const map =
  (rule: Rule, names = /./): Rule =>
  (value, at, faults) => {
    if (!isObject(value)) return void faults.push(`${at} must be an object`)
    for (const [name, inner] of Object.entries(value)) {
      if (!names.test(name)) faults.push(`${at} must not have ${name}`)
      check(inner, rule, `${at}.${name}`, faults)
    }
  }
const list =
  (rule: Rule): Rule =>
  (value, at, faults) => {
    if (!Array.isArray(value)) return void faults.push(`${at} must be a list`)
    value.forEach((inner, i) => check(inner, rule, `${at}[${i}]`, faults))
  }
const oneOf =
  (...texts: string[]): Rule =>
  (value, at, faults) => {
    if (!texts.includes(value as string)) faults.push(`${at} must be one of ${texts.join(', ')}`)
  }
/** A rule that holds itself. */
const late =
  (rule: () => Rule): Rule =>
  (value, at, faults) =>
    check(value, rule(), at, faults)
const both =
  (first: Rule, second: (value: Json, at: string, faults: string[]) => void): Rule =>
  (value, at, faults) => {
    check(value, first, at, faults)
    if (isObject(value)) second(value, at, faults)
  }

const typeName = oneOf('null', 'boolean', 'object', 'array', 'number', 'string', 'integer')
const schema: Rule = (value, at, faults) => {
  if (typeof value === 'boolean') return
  check(value, schemaObject, at, faults)
}
/** The keywords of JSON Schema 2020-12 that are used here. @see https://json-schema.org/draft/2020-12/json-schema-validation */
const schemaObject = both(
  object({
    members: {
      $ref: 'string',
      type: (value, at, faults) => check(value, Array.isArray(value) ? list(typeName) : typeName, at, faults),
      enum: list('any'),
      const: 'any',
      default: 'any',
      anyOf: list(schema),
      oneOf: list(schema),
      allOf: list(schema),
      not: schema,
      items: schema,
      prefixItems: list(schema),
      properties: map(schema),
      patternProperties: map(schema),
      propertyNames: schema,
      additionalProperties: schema,
      required: list('string'),
      title: 'string',
      description: 'string',
      format: 'string',
      pattern: (value, at, faults) => {
        try {
          RegExp(value as string, 'u')
        } catch {
          faults.push(`${at} is not a regular expression`)
        }
      },
      contentEncoding: 'string',
      minLength: 'number',
      maxLength: 'number',
      minItems: 'number',
      maxItems: 'number',
      minimum: 'number',
      maximum: 'number',
      exclusiveMinimum: 'number',
      exclusiveMaximum: 'number',
      readOnly: 'boolean',
      writeOnly: 'boolean',
      deprecated: 'boolean',
    },
  }),
  (value, at, faults) => {
    const properties = isObject(value.properties) ? value.properties : {}
    for (const name of Array.isArray(value.required) ? (value.required as string[]) : [])
      if (!(name in properties)) faults.push(`${at} requires ${name}, which it does not describe`)
  },
)

const content = map(object({ required: ['schema'], members: { schema, example: 'any' } }), /^[\w.+-]+\/[\w.+-]+$/)
const parameter = both(
  object({
    required: ['name', 'in', 'schema'],
    members: {
      name: 'string',
      in: oneOf('query', 'header', 'path', 'cookie'),
      required: 'boolean',
      description: 'string',
      schema,
      style: oneOf('form', 'simple'),
      explode: 'boolean',
    },
  }),
  (value, at, faults) => {
    if (value.in === 'path' && value.required !== true) faults.push(`${at} is in the path and must be required`)
  },
)
const response = object({
  required: ['description'],
  members: { description: 'string', headers: map(object({ members: { description: 'string', schema, required: 'boolean' } })), content },
})
const operation = object({
  required: ['operationId', 'responses'],
  members: {
    operationId: 'string',
    summary: 'string',
    description: 'string',
    tags: list('string'),
    deprecated: 'boolean',
    security: list(map(list('string'))),
    parameters: list(parameter),
    requestBody: object({ required: ['content'], members: { description: 'string', required: 'boolean', content } }),
    responses: map(response, /^(?:[1-5]\d\d|default)$/),
  },
})
const pathItem = object({
  members: Object.fromEntries(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'].map((method) => [method, operation])),
})
const document = object({
  required: ['openapi', 'info', 'paths'],
  members: {
    openapi: (value, at, faults) => {
      if (!/^3\.1\.\d+$/.test(String(value))) faults.push(`${at} must be 3.1`)
    },
    info: object({
      required: ['title', 'version'],
      members: {
        title: 'string',
        version: 'string',
        summary: 'string',
        description: 'string',
        license: object({ required: ['name'], members: { name: 'string', identifier: 'string' } }),
      },
    }),
    servers: list(object({ required: ['url'], members: { url: 'string', description: 'string' } })),
    tags: list(object({ required: ['name'], members: { name: 'string', description: 'string' } })),
    paths: map(
      late(() => pathItem),
      /^\//,
    ),
    components: object({
      members: {
        schemas: map(schema, /^[\w.-]+$/),
        securitySchemes: map(
          object({
            required: ['type'],
            members: { type: oneOf('http', 'apiKey'), scheme: 'string', bearerFormat: 'string', in: oneOf('cookie'), name: 'string', description: 'string' },
          }),
        ),
      },
    }),
  },
})

/** Names everything in a description that OpenAPI 3.1 does not allow, as far as it is used here. @see https://spec.openapis.org/oas/v3.1.1.html */
export function findOpenApiFaults(value: unknown): string[] {
  const faults: string[] = []
  check(value, document, '#', faults)
  if (faults.length > 0 || !isObject(value)) return faults
  const {
    paths,
    tags = [],
    components = {},
  } = value as { paths: Record<string, Record<string, Json>>; tags?: { name: string }[]; components?: { schemas?: Json; securitySchemes?: Json } }
  const ids = new Set<string>()
  const shapes = new Set<string>()
  for (const [path, methods] of Object.entries(paths)) {
    const shape = path.replaceAll(/\{\w+\}/g, '{}')
    if (shapes.has(shape)) faults.push(`${path} cannot be told from another path`)
    shapes.add(shape)
    const named = Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1]!)
    for (const one of Object.values(methods)) {
      const id = String(one.operationId)
      if (ids.has(id)) faults.push(`${id} is there twice`)
      ids.add(id)
      const parameters = (one.parameters ?? []) as { name: string; in: string }[]
      const inPath = parameters.filter((each) => each.in === 'path').map((each) => each.name)
      if (inPath.join() !== named.join()) faults.push(`${id} describes ${inPath.join() || 'nothing'} of the path, not ${named.join() || 'nothing'}`)
      if (new Set(parameters.map((each) => `${each.in} ${each.name}`)).size !== parameters.length) faults.push(`${id} has a parameter twice`)
      for (const tag of (one.tags ?? []) as string[])
        if (!tags.some(({ name }) => name === tag)) faults.push(`${id} has the tag ${tag}, which is not described`)
      for (const name of ((one.security ?? []) as Json[]).flatMap(Object.keys))
        if (!(name in (components.securitySchemes ?? {}))) faults.push(`${id} needs ${name}, which is not described`)
    }
  }
  JSON.stringify(value, (key, inner: unknown) => {
    if (key === '$ref' && !(String(inner).replace('#/components/schemas/', '') in (components.schemas ?? {}))) faults.push(`${String(inner)} leads nowhere`)
    return inner
  })
  return faults
}
