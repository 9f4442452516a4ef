/** What a text is as JSON, or what is wrong with it. */
export type ReadJson = { value: unknown; mistake: null } | { value: undefined; mistake: string }

/** An object with these names, to be filled in. */
export const blankInput = (names: readonly string[]): string => JSON.stringify(Object.fromEntries(names.map((name) => [name, ''])), null, 2)

/** The names that texts with variables ask for behind `root`, wherever they stand in a value. */
export function namesAskedFor(value: unknown, root: 'input' | 'previous'): string[] {
  const texts = Array.from(JSON.stringify(value ?? null).matchAll(/\{[{%](.*?)[%}]\}/g), (found) => found[1] ?? '').join(' ')
  return [...new Set(Array.from(texts.matchAll(new RegExp(`(?<![\\w.])${root}\\.(\\w+)`, 'g')), (found) => found[1] ?? ''))]
}

/** Reads JSON that a person types, and says where it breaks off. `object`: only an object will do. */
export function readJson(text: string, { object = false } = {}): ReadJson {
  let value: unknown
  try {
    value = JSON.parse(text) as unknown
  } catch (error) {
    return { value: undefined, mistake: `Not JSON yet${placeOf(text, error)}` }
  }
  if (object && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    return { value: undefined, mistake: 'Must be an object: names and values between { and }' }
  }
  return { value, mistake: null }
}

/** Where JSON.parse stopped. Browsers say it in words of their own; where they do not, nothing is said. */
function placeOf(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const spoken = /line (\d+) column (\d+)/.exec(message)
  if (spoken) return `: line ${spoken[1]}, sign ${spoken[2]}`
  const position = Number(/position (\d+)/.exec(message)?.[1] ?? (/end of JSON|unexpected end/i.test(message) ? text.length : Number.NaN))
  if (Number.isNaN(position)) return ''
  const lines = text.slice(0, position).split('\n')
  return `: line ${lines.length}, sign ${lines.at(-1)!.length + 1}`
}
