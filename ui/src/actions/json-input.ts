/** What a text is as JSON, or what is wrong with it. */
export type ReadJson = { value: unknown; mistake: null } | { value: undefined; mistake: string }

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
