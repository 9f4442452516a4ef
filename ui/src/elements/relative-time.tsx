import { Tooltip } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Length in seconds, from how many of them on, in the singular, in the plural. */
const units: [number, number, string, string][] = [
  [31_557_600, 2, 'year', 'years'],
  [2_629_800, 4, 'month', 'months'],
  [86_400, 1, 'day', 'days'],
  [3600, 1, 'h', 'h'],
  [60, 1, 'min', 'min'],
  [1, 0, 's', 's'],
]
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** "2 min ago", "in 3 days": in the largest unit that says it well, rounded, as the command line says it too. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000)
  if (Math.abs(seconds) < 5) return seconds > 0 ? 'in a moment' : 'just now'
  const length = Math.abs(seconds)
  const [size, , one, many] = units.find(([unit, from]) => Math.round(length / unit) >= from) ?? units.at(-1)!
  const count = Math.round(length / size)
  const text = `${count} ${count === 1 ? one : many}`
  return seconds > 0 ? `in ${text}` : `${text} ago`
}

export const exactTime = (iso: string): string => exact.format(new Date(iso))

/** A time that speaks relatively and tells the exact one on hover, focus and to screen readers' time element. */
export function RelativeTime({ at, empty = '' }: { at: string | null; empty?: string }) {
  const now = useNow()
  if (at === null) return <>{empty}</>
  return (
    <Tooltip label={exactTime(at)}>
      <time dateTime={at}>{relativeTime(Date.parse(at), now)}</time>
    </Tooltip>
  )
}

const listeners = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

/** The time, told again every 10 seconds by one clock for the whole page. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const tell = () => setNow(Date.now())
    listeners.add(tell)
    ticking ??= setInterval(() => listeners.forEach((listener) => listener()), 10_000)
    return () => {
      listeners.delete(tell)
      if (listeners.size === 0) {
        clearInterval(ticking)
        ticking = undefined
      }
    }
  }, [])
  return now
}
