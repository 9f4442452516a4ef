import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { namesAskedFor, readJson } from './json-input.ts'

describe('JSON that a person types', () => {
  it('is read, or says where it breaks off', () => {
    assert.deepEqual(readJson('{"a": [1]}'), { value: { a: [1] }, mistake: null })
    assert.equal(readJson('{\n  "a": 1,\n}').mistake, 'Not JSON yet: line 3, sign 1')
    assert.equal(readJson('{"a": ').mistake, 'Not JSON yet: line 1, sign 7')
    assert.match(readJson('').mistake!, /^Not JSON yet/)
  })

  it('must be an object where one is wanted', () => {
    for (const text of ['[1]', '"a"', 'null', '7']) assert.match(readJson(text, { object: true }).mistake ?? '', /Must be an object/, text)
    assert.equal(readJson('[1]').mistake, null)
  })
})

describe('the names that texts ask for', () => {
  it('are found in every text of a mail or request, each once, and by their root', () => {
    const email = {
      subject: '{{ input.day | upcase }} {{input.count}}',
      text: '{% if input.day == "x" %}{{ previous.json.id }}{% endif %}',
      to: ['{{ input.who }}'],
    }
    assert.deepEqual(namesAskedFor(email, 'input'), ['day', 'count', 'who'])
    assert.deepEqual(namesAskedFor(email, 'previous'), ['json'])
    assert.deepEqual(namesAskedFor({ text: 'input.day is no variable, {{ run.input.x }}' }, 'input'), [])
    assert.deepEqual(namesAskedFor(undefined, 'input'), [])
  })
})
