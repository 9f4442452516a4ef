const deepest = 50

/**
 * Reads a JSON object. Returns null for anything else, for one that is nested too deeply, and for one that has a member
 * twice: two readers could see two different answers in it.
 */
export function readJsonObject(text: string): Record<string, unknown> | null {
  if (!isUnambiguous(text)) return null
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Looks at brackets and names alone, once from left to right; whether it is JSON at all, the parser says afterwards. */
function isUnambiguous(text: string): boolean {
  /** One entry per open bracket: the names seen so far, or null for a list. */
  const open: (Set<string> | null)[] = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : null) > deepest) return false
    } else if (character === '}' || character === ']') {
      open.pop()
    } else if (character === '"') {
      const end = endOfText(text, i)
      const names = open.at(-1)
      if (names && isName(text, end)) {
        const name = unescape(text.slice(i, end))
        if (names.has(name)) return false
        names.add(name)
      }
      i = end - 1
    }
  }
  return true
}

/** Returns the index after the closing quote. */
function endOfText(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

function isName(text: string, end: number): boolean {
  let i = end
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i += 1
  return text[i] === ':'
}

/** `"\u0061"` and `"a"` are the same name. */
function unescape(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted
  }
}
