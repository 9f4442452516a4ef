import { Tooltip } from '@mantine/core'
import { useEffect, useState } from 'react'

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]
const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** "2 min ago", "in 3 days": the largest unit that fits, rounded. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000)
  if (Math.abs(seconds) < 5) return seconds > 0 ? 'in a moment' : 'just now'
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return format.format(Math.trunc(seconds / size), unit).replace('.', '')
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
