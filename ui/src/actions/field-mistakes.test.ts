import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mistakeAt, withoutMistakesAt } from './field-mistakes.ts'

describe('mistakes that the service names by path', () => {
  const mistakes = {
    'email.subject': 'is not closed',
    'email.to.1': 'names no variable',
    'request.body.json.ticket.title': 'is not closed',
    'request.headers.x-a': 'includes a file',
  }

  it('stand at the field that has them', () => {
    assert.equal(mistakeAt(mistakes, 'email.subject'), 'is not closed')
    assert.equal(mistakeAt(mistakes, 'email'), 'subject: is not closed; to, 1: names no variable')
    assert.equal(mistakeAt(mistakes, 'email.sub'), undefined)
  })

  it('name the part of a list or of an object that has them', () => {
    assert.equal(mistakeAt(mistakes, 'email.to', ['a@b.c', '{{ input }']), '“{{ input }”: names no variable')
    assert.equal(mistakeAt(mistakes, 'request.body.json'), 'ticket, title: is not closed')
    assert.equal(mistakeAt(mistakes, 'request.headers.x-a'), 'includes a file')
  })

  it('go away with a change of their field, and no other', () => {
    assert.deepEqual(Object.keys(withoutMistakesAt(mistakes, 'email.to')), ['email.subject', 'request.body.json.ticket.title', 'request.headers.x-a'])
  })
})
