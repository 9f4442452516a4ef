import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemCodes } from '../base/problem-codes.ts'
import { contract } from './contract.ts'
import { openApi } from './openapi.ts'

type Json = Record<string, unknown>

describe('the OpenAPI description', () => {
  const document = JSON.parse(JSON.stringify(openApi())) as Json
  const paths = document.paths as Record<string, Record<string, Json>>

  it('has every endpoint once, by a name of its own', () => {
    const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    assert.deepEqual(described.sort(), contract.map((row) => `${row.method} ${row.path}`).sort())
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map((operation) => operation.operationId))
    assert.equal(new Set(ids).size, contract.length)
  })

  it('has no reference that leads nowhere', () => {
    const schemas = (document.components as { schemas: Json }).schemas
    const references: string[] = []
    JSON.stringify(document, (key, value: unknown) => {
      if (key === '$ref') references.push(String(value))
      return value
    })
    assert.ok(references.length > 100)
    for (const reference of references) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1]
      assert.ok(name !== undefined && name in schemas, reference)
    }
  })

  it('describes every parameter of a path, and every problem by a known code', () => {
    for (const row of contract) {
      const operation = paths[row.path]![row.method.toLowerCase()]!
      const inPath = ((operation.parameters ?? []) as { name: string; in: string }[])
        .filter((parameter) => parameter.in === 'path')
        .map((parameter) => parameter.name)
      assert.deepEqual(
        inPath,
        [...row.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
        row.id,
      )
      const responses = operation.responses as Json
      assert.ok(String(row.status) in responses, row.id)
      for (const [status, response] of Object.entries(responses)) {
        for (const [, code] of String((response as Json).description).matchAll(/`(\w+)`:/g)) {
          assert.equal(problemCodes[code as keyof typeof problemCodes].status, Number(status), `${row.id} ${code}`)
        }
      }
    }
  })

  it('lets replies grow and keeps inputs strict', () => {
    const schemas = (document.components as { schemas: Record<string, Json> }).schemas
    assert.equal(schemas.Credential!.additionalProperties, undefined)
    assert.equal(schemas.NewCredential!.additionalProperties, false)
  })
})
