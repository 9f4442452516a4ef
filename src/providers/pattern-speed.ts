/** With so many unbounded repetitions in a row a text of 253 characters is still matched in milliseconds. */
const mostRepetitions = 3

/**
 * Returns why a pattern could match slowly, or null. Refused are repetitions inside of what is repeated, look-around, and
 * references to an earlier group: what is left cannot take longer than the cube of a short text.
 */
export function whySlow(pattern: string): string | null {
  let isClass = false
  let unbounded = 0
  /** One entry per open group: whether it holds a repetition or an alternative. */
  const groups: boolean[] = []
  let closed: boolean | null = null
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    const before = closed
    closed = null
    if (character === '\\') {
      i += 1
      if (!isClass && /[1-9k]/.test(pattern[i] ?? '')) return 'refers to an earlier group'
      continue
    }
    if (isClass) {
      if (character === ']') isClass = false
      continue
    }
    const repetition = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(pattern.slice(i))?.[0]
    if (repetition !== undefined) {
      // After a repetition a question mark only makes it lazy; `?` itself repeats nothing.
      const isLong = repetition !== '?' && !/^\{1?\}$/.test(repetition)
      if (isLong && before === true) return 'repeats a group that has repetitions or alternatives in it'
      if (isLong) unbounded += 1
      if (unbounded > mostRepetitions) return `has more than ${mostRepetitions} repetitions`
      if (groups.length > 0 && isLong) groups[groups.length - 1] = true
      i += repetition.length - 1
      continue
    }
    if (character === '[') isClass = true
    else if (character === '(') {
      const kind = /^\?(?:[=!]|<[=!])/.exec(pattern.slice(i + 1))
      if (kind) return 'looks around'
      if (pattern[i + 1] === '?') i += pattern[i + 2] === ':' ? 2 : 1
      groups.push(false)
    } else if (character === ')') {
      closed = groups.pop() ?? false
      if (closed && groups.length > 0) groups[groups.length - 1] = true
    } else if (character === '|' && groups.length > 0) groups[groups.length - 1] = true
  }
  return null
}
