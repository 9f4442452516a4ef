import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { openCatalogue } from './catalogue.ts'
import { whySlow } from './pattern-speed.ts'
import { resolveProvider } from './provider-resolve.ts'

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

test('P11: no value for a placeholder of the catalogue takes long to refuse, whatever is in it and however long it is', () => {
  const catalogue = openCatalogue([join(import.meta.dirname, '..', '..', 'providers')])
  const units = ['a', '0', 'A1', 'a.', 'a-', '.', '-', '_', 'https://a.', 'ab.ab-', '/', ' ', 'é', '%2e']
  let tried = 0
  for (const provider of catalogue.list()) {
    for (const [name, rule] of Object.entries(provider.placeholders)) {
      for (const unit of units) {
        for (const length of [253, 100_000]) {
          for (const end of ['', '!', '\n']) {
            tried++
            const value = unit.repeat(Math.ceil(length / unit.length)).slice(0, length - 1) + end
            const before = process.hrtime.bigint()
            try {
              resolveProvider(provider, { [name]: value })
            } catch {
              // Refused is as good as taken: it is the time that counts.
            }
            if (rule.pattern !== undefined && length === 253) new RegExp(`^(?:${rule.pattern})$`).test(value)
            const took = Number(process.hrtime.bigint() - before) / 1e6
            assert.ok(took < 80, `${provider.id} ${name} took ${took} ms for ${length} times ${JSON.stringify(unit)}`)
          }
        }
      }
    }
  }
  assert.ok(tried > 4000, String(tried))
})
