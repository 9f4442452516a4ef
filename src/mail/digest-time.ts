/** Once a day, from this hour on in this time zone. */
export type Daily = { hour: number; timeZone: string }

const formats = new Map<string, Intl.DateTimeFormat>()

/** Returns whether a time zone is known, such as `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23' })
  formats.set(timeZone, made)
  return made
}

/**
 * Returns which day a moment belongs to, when days begin at this hour of this zone's clocks. Whether the hour has struck
 * between two moments is whether their days differ: that holds for an hour that a clock change leaves out or repeats, too.
 */
export function dayOf(at: number, { hour, timeZone }: Daily): number {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map((part) => [part.type, Number(part.value)]),
  )
  const date = Date.UTC(parts.get('year')!, parts.get('month')! - 1, parts.get('day')) / 86_400_000
  return parts.get('hour')! < hour ? date - 1 : date
}
