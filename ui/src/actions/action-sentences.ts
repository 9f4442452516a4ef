import type { Action } from '@keybearer/client'

/** What makes a run of it fail, in plain words. */
export function failureWords({ anything, statuses, codes }: NonNullable<Action['failure']>): string {
  if (anything) return 'every problem'
  const some = [...statuses.map((status) => `status ${status}`), ...codes]
  return some.length === 0 ? 'nothing' : some.join(', ')
}

/** What is done when a run has failed, in the order in which it is done. */
export function onErrorLines({ retries, retry_delay_seconds: delay, report, run, continue_with: next }: NonNullable<Action['on_error']>): string[] {
  return [
    ...(retries === 0 ? [] : [retries === 1 ? `tries again once, after ${delay} s` : `tries again ${retries} times, ${delay} s apart`]),
    ...(report === null ? [] : [`tells ${report.to.length === 0 ? 'those whom the email options name' : report.to.join(', ')}`]),
    ...(run === null ? [] : [`runs “${run.name}” beside`]),
    next === null ? 'stops' : `goes on with “${next.name}”`,
  ]
}
