import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findOpenApiFaults } from '../../test/openapi-rules.ts'
import { problemCodes } from '../base/problem-codes.ts'
import { contract } from './contract.ts'
import { openApi } from './openapi.ts'

type Json = Record<string, unknown>

describe('the OpenAPI description', () => {
  const document = JSON.parse(JSON.stringify(openApi())) as Json
  const paths = document.paths as Record<string, Record<string, Json>>

  it('is OpenAPI 3.1, and what is not would be noticed', () => {
    assert.deepEqual(findOpenApiFaults(document), [])
    const spoiled = (spoil: (copy: any) => void) => {
      const copy = structuredClone(document)
      spoil(copy)
      return findOpenApiFaults(copy)
    }
    const token = (copy: any) => copy.paths['/v1/credentials/{credential}/token'].post
    assert.match(spoiled((copy) => (copy.openapi = '3.0.3'))[0]!, /3\.1/)
    assert.match(spoiled((copy) => delete copy.info)[0]!, /lacks info/)
    assert.match(spoiled((copy) => (copy.paths.v1 = {}))[0]!, /must not have v1/)
    assert.match(spoiled((copy) => (token(copy).operationId = 'getCredential'))[0]!, /twice/)
    assert.match(spoiled((copy) => token(copy).parameters.pop())[0]!, /describes nothing of the path/)
    assert.match(spoiled((copy) => (token(copy).parameters[0].required = false))[0]!, /must be required/)
    assert.match(spoiled((copy) => delete token(copy).responses['200'].description)[0]!, /lacks description/)
    assert.match(spoiled((copy) => (token(copy).responses.ok = { description: '' }))[0]!, /must not have ok/)
    assert.match(spoiled((copy) => (token(copy).tags = ['Tokens']))[0]!, /tag Tokens/)
    assert.match(spoiled((copy) => (token(copy).security = [{ password: [] }]))[0]!, /needs password/)
    assert.match(spoiled((copy) => (copy.components.schemas.Token.type = 'token'))[0]!, /must be one of/)
    assert.match(spoiled((copy) => copy.components.schemas.Token.required.push('secret'))[0]!, /requires secret/)
    assert.match(spoiled((copy) => (copy.components.schemas.Token.nullable = true))[0]!, /must not have nullable/)
    assert.match(spoiled((copy) => delete copy.components.schemas.Named)[0]!, /leads nowhere/)
  })

  it('has every endpoint once, by a name of its own', () => {
    const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    assert.deepEqual(described.sort(), contract.map((row) => `${row.method} ${row.path}`).sort())
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map((operation) => operation.operationId))
    assert.equal(new Set(ids).size, contract.length)
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
