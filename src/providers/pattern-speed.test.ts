import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { whySlow } from './pattern-speed.ts'

describe('P11: a pattern that could match slowly is refused', () => {
  const slow = [
    '(a+)+',
    '(a*)*',
    '(a|aa)+',
    '(a|b)*',
    '((a+)b)+',
    '(?:x{2,})*',
    'a*b*c*d*',
    '(a)\\1',
    '(?=a)b',
    '(?<!a)b',
    '(?:a+){2}',
    '([ab]+c?)+',
    'a+a+a+a+',
  ]
  for (const pattern of slow) test(pattern, () => assert.notEqual(whySlow(pattern), null))
})

describe('a pattern that cannot is taken', () => {
  const quick = [
    '[A-Za-z0-9][A-Za-z0-9.-]{1,250}',
    '(?:a|b)',
    '(?:a|b)?',
    'v[0-9]{1,3}\\.[0-9]{1,2}',
    '[()+*]+',
    '\\(a\\)+',
    '(?<name>ab)+',
    'a{1}(bc)*',
    '[a-z]+-[0-9]+',
    '(?:ab){3}',
  ]
  for (const pattern of quick) test(pattern, () => assert.equal(whySlow(pattern), null))
})

test('P11: whatever is taken matches 253 hostile characters in no time', () => {
  const piece = fc.constantFrom('a', 'b', '.', '[ab]', '(a)', '(?:ab)', 'a+', 'a*', '.*', '(a|b)', '(?:a*)', 'a{2,}', '(a+)+', 'b?', '^')
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.constantFrom('a', 'ab', 'ba'), (pieces, unit) => {
      const pattern = pieces.join('')
      if (whySlow(pattern) !== null) return
      const expression = new RegExp(`^(?:${pattern})$`)
      const text = `${unit.repeat(126).slice(0, 252)}!`
      const before = process.hrtime.bigint()
      expression.test(text)
      const took = Number(process.hrtime.bigint() - before) / 1e6
      assert.ok(took < 1500, `${pattern} took ${took} ms`)
    }),
    { numRuns: 500 },
  )
})
