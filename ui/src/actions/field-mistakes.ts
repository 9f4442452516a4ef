/** Returns what is wrong at a field: at itself, or at something within it, which is then named. `list`: what its numbers stand for. */
export function mistakeAt(mistakes: Readonly<Record<string, string>>, path: string, list: readonly string[] = []): string | undefined {
  if (mistakes[path] !== undefined) return mistakes[path]
  const within = Object.entries(mistakes).filter(([at]) => at.startsWith(`${path}.`))
  if (within.length === 0) return undefined
  return within
    .map(([at, message]) => {
      const [first = '', ...rest] = at.slice(path.length + 1).split('.')
      const named = [/^\d+$/.test(first) && list[Number(first)] !== undefined ? `“${list[Number(first)]}”` : first, ...rest].join(', ')
      return `${named}: ${message}`
    })
    .join('; ')
}

/** Returns the mistakes without those of a field and of what is within it: it was changed since. */
export function withoutMistakesAt(mistakes: Readonly<Record<string, string>>, path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(mistakes).filter(([at]) => at !== path && !at.startsWith(`${path}.`)))
}
