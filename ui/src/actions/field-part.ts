/** What a part of the form gets: its values, how to change some of them, and what is wrong at which of them. */
export type PartProps<Values> = {
  values: Values
  change: (part: Partial<Values>) => void
  /** `list`: what the numbers in a path stand for. */
  errorAt: (path: string, list?: readonly string[]) => string | undefined
}

/** For what is typed sign by sign: JSON, HTML, names of headers. */
export const typedExactly = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 'var(--mantine-font-size-sm)' } } as const
