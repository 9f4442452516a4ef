import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Sealed } from './sealed.ts'

test('carries its bytes unchanged, and prints [sealed]', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const sealed = new Sealed(bytes)
  assert.equal(sealed.bytes, bytes)
  assert.equal(`${sealed}`, '[sealed]')
  assert.equal(JSON.stringify({ sealed }), '{"sealed":"[sealed]"}')
  assert.equal(inspect([sealed]), '[ [sealed] ]')
})
