import { Text } from '@mantine/core'

type Day = { day: string; ok: number; issue: number }

const width = 600
const height = 64
const gap = 3

/** One bar per day; failures stand on top in another colour and pattern. The numbers are in its description too. */
export function UseChart({ days }: { days: Day[] }) {
  const most = Math.max(1, ...days.map((day) => day.ok + day.issue))
  const total = days.reduce((sum, day) => sum + day.ok + day.issue, 0)
  const failed = days.reduce((sum, day) => sum + day.issue, 0)
  const bar = (width - gap * (days.length - 1)) / Math.max(days.length, 1)
  const summary = `${total.toLocaleString()} ${total === 1 ? 'use' : 'uses'} in ${days.length} days${failed === 0 ? '' : `, ${failed.toLocaleString()} of them failed`}`
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${width} ${height}`} width="100%" height={height} role="img" aria-label={summary} preserveAspectRatio="none">
        <defs>
          <pattern id="issue" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="5" height="5" fill="light-dark(#b3541e, #ffb074)" />
            <rect width="2" height="5" fill="light-dark(#fff, #1a1b1e)" opacity="0.5" />
          </pattern>
        </defs>
        {days.map((day, index) => {
          const ok = (day.ok / most) * (height - 4)
          const issue = (day.issue / most) * (height - 4)
          const x = index * (bar + gap)
          return (
            <g key={day.day}>
              <title>{`${day.day}: ${day.ok} ok, ${day.issue} failed`}</title>
              <rect x={x} y={0} width={bar} height={height} fill="transparent" />
              <rect
                x={x}
                y={height - Math.max(ok, day.ok > 0 ? 2 : 0)}
                width={bar}
                height={Math.max(ok, day.ok > 0 ? 2 : 0)}
                fill="light-dark(#1b7558, #4fad8c)"
              />
              {day.issue > 0 && <rect x={x} y={height - ok - Math.max(issue, 2)} width={bar} height={Math.max(issue, 2)} fill="url(#issue)" />}
              {day.ok + day.issue === 0 && <rect x={x} y={height - 1} width={bar} height={1} fill="light-dark(#c5cbd0, #4a5056)" />}
            </g>
          )
        })}
      </svg>
      <Text component="figcaption" size="xs" c="dimmed">
        {summary}
      </Text>
    </figure>
  )
}
