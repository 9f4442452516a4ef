import { List, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { fieldErrors } from '../elements/problem-notice.tsx'
import { relativeTime, useNow } from '../elements/relative-time.tsx'

/** The next times of a schedule in plain words, as the service reckons them; or what is wrong with it. */
export function NextTimes({ cron, zone }: { cron: string; zone: string }) {
  const [wanted] = useDebouncedValue(`${cron.trim()}\n${zone}`, 300)
  const now = useNow()
  const [times = '', place = ''] = wanted.split('\n')
  const preview = useQuery({
    queryKey: ['schedule-preview', times, place],
    queryFn: () => api.previewSchedule({ query: { cron: times, time_zone: place } }),
    enabled: times !== '',
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 30_000,
  })
  const [at, said] = Object.entries(fieldErrors(preview.error))[0] ?? []
  const mistake = said === undefined ? preview.error?.message : `${at === 'time_zone' ? 'The time zone' : 'What stands there'} ${said}.`
  return (
    <div aria-live="polite">
      {mistake !== undefined ? (
        <Text size="sm">{mistake}</Text>
      ) : (
        <>
          <Text size="sm" fw={600}>
            It runs next
          </Text>
          <List size="sm">
            {(preview.data?.times ?? []).map((time) => (
              <List.Item key={time}>
                {inZone(time, place)}
                <Text span size="xs" c="dimmed">
                  {' '}
                  · {relativeTime(Date.parse(time), now)}
                </Text>
              </List.Item>
            ))}
          </List>
        </>
      )}
    </div>
  )
}

/** "Monday, 30 November 2026 at 07:00", where the schedule is. */
export function inZone(time: string, timeZone: string): string {
  const at = new Date(time)
  try {
    return new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone }).format(at)
  } catch {
    // A browser may know fewer zones than the service.
    return new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' }).format(at)
  }
}
