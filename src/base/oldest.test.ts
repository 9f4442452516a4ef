import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oldestOf } from './oldest.ts'

test('a cache gives up what has been in it for longest, also after it was cleared or gone through', () => {
  const map = new Map<string, number>()
  const oldest = oldestOf(map)
  assert.equal(oldest(), undefined)
  const gone: string[] = []
  for (let i = 0; i < 50; i++) {
    if (map.size >= 3) {
      const key = oldest()!
      gone.push(key)
      map.delete(key)
    }
    map.set(`key ${i}`, i)
  }
  assert.deepEqual(
    gone,
    Array.from({ length: 47 }, (_, i) => `key ${i}`),
  )
  map.clear()
  map.set('new', 1)
  assert.equal(oldest(), 'new')
})
