import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { auditActions } from '../src/access/audit-actions.ts'
import { actionWords } from '../ui/src/audit/action-words.ts'

describe('the words of the page', () => {
  it('name every action of the audit trail, and none that there is not', () => {
    assert.deepEqual(Object.keys(actionWords).toSorted(), Object.keys(auditActions).toSorted(), 'ui/src/audit/action-words.ts')
  })
})
