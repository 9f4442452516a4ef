import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readJsonObject } from './json-object.ts'

test('what JSON.stringify wrote of an object is read back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value)
      assert.deepEqual(readJsonObject(text), JSON.parse(text))
      assert.deepEqual(readJsonObject(JSON.stringify(value, null, 2)), JSON.parse(text))
    }),
  )
})

test('anything else is not an object', () => {
  for (const text of ['', 'null', '1', '"a"', '[]', '{', '{"a":1', '{"a":1}}', "{'a':1}", '{"a":"\\']) assert.equal(readJsonObject(text), null, text)
})

test('O28: an object with a member twice is refused, however the name is spelt', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":[{"a":1 , "a" : 2}]}', '{"a\\"":1,"a\\"":2}'])
    assert.equal(readJsonObject(text), null, text)
  assert.notEqual(readJsonObject('{"a":{"a":1},"b":["a","a"],"c":"a"}'), null)
})

test('an object that is nested too deeply is refused without any recursion', () => {
  assert.notEqual(readJsonObject(`${'{"a":'.repeat(49)}1${'}'.repeat(49)}`), null)
  assert.equal(readJsonObject(`${'{"a":'.repeat(51)}1${'}'.repeat(51)}`), null)
  assert.equal(readJsonObject('{"a":' + '['.repeat(200_000)), null)
})

test('hostile texts of the greatest length are read in the time of their length', () => {
  for (const text of [`{"${'\\"'.repeat(130_000)}`, `{${'"'.repeat(260_000)}`, `{"a":"${'x'.repeat(260_000)}"}`, `{${'"a" '.repeat(65_000)}`])
    readJsonObject(text)
})
