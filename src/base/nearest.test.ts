import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

test('finds the name that was probably meant, and none when nothing is near', () => {
  assert.equal(nearest('statsu', ['status', 'serve']), 'status')
  assert.equal(nearest('Work-Mial', ['work-mail', 'crm']), 'work-mail')
  assert.equal(nearest('entirely different', ['status', 'serve']), null)
  assert.equal(nearest('x', []), null)
})
