import { Checkbox, Stack } from '@mantine/core'
import { ListInput } from '../wizard/list-input.tsx'
import type { FailureValues } from './action-values.ts'
import type { ActionKind } from './action-words.ts'
import type { PartProps } from './field-part.ts'

type Tick = { label: string; statuses?: string[]; codes?: string[] }

const textTick: Tick = { label: 'A text cannot be written, because an input is missing', codes: ['template_failed'] }
const ticks: Record<ActionKind, Tick[]> = {
  http_request: [
    { label: 'The server refuses the request (4xx)', statuses: ['4xx'] },
    { label: 'The server fails (5xx)', statuses: ['5xx'] },
    { label: 'The server does not answer', codes: ['outgoing_failed'] },
    { label: 'The credential cannot be used', codes: ['incomplete', 'needs_consent', 'misconfigured', 'paused', 'provider_unavailable', 'clock_skew'] },
    { label: 'The host is not one of the credential', codes: ['destination_not_allowed', 'address_not_allowed'] },
    textTick,
  ],
  send_email: [
    { label: 'The mail server refuses the mail or the login', codes: ['mail_refused', 'mail_auth_refused'] },
    { label: 'No mail server has taken the mail in time', codes: ['mail_unavailable', 'mail_outcome_unknown'] },
    { label: 'An address or a header cannot be used', codes: ['mail_invalid'] },
    { label: 'There is no sender for it', codes: ['no_sender'] },
    textTick,
  ],
}

const holds = (all: string[], some: string[] = []) => some.every((one) => all.includes(one))
const without = (all: string[], some: string[] = []) => all.filter((one) => !some.includes(one))
const isStatus = (text: string) => /^\d/.test(text)

/** Ticks for what makes a run fail. After anything else it has succeeded, and names the problem. */
export function FailureFields({ values, change, errorAt, kind }: PartProps<FailureValues> & { kind: ActionKind }) {
  const { anything, statuses, codes } = values
  const offered = ticks[kind]
  const ticked = offered.filter((tick) => holds(statuses, tick.statuses) && holds(codes, tick.codes))
  // What no tick stands for is typed.
  const others = [
    ...without(
      statuses,
      ticked.flatMap((tick) => tick.statuses ?? []),
    ),
    ...without(
      codes,
      ticked.flatMap((tick) => tick.codes ?? []),
    ),
  ]
  const mistakes = [errorAt('statuses', statuses), errorAt('codes', codes)].filter((one) => one !== undefined)
  const toggle = (tick: Tick, on: boolean) =>
    change({
      statuses: [...without(statuses, tick.statuses), ...(on ? (tick.statuses ?? []) : [])],
      codes: [...without(codes, tick.codes), ...(on ? (tick.codes ?? []) : [])],
    })
  return (
    <Stack gap="sm">
      <Checkbox
        label="Every problem"
        description="Untick it to choose. After a problem that is not chosen the run has succeeded, and still names the problem."
        checked={anything}
        onChange={(event) => change({ anything: event.currentTarget.checked })}
      />
      {!anything && (
        <>
          <Stack gap={8} role="group" aria-label="Problems that count">
            {offered.map((tick) => (
              <Checkbox key={tick.label} label={tick.label} checked={ticked.includes(tick)} onChange={(event) => toggle(tick, event.currentTarget.checked)} />
            ))}
          </Stack>
          <ListInput
            label="Also these"
            description="Statuses such as 404 or 5xx, and codes of errors such as rate_limited"
            byBlank
            value={others}
            onChange={(list) => {
              const added = without(list, others)
              const removed = without(others, list)
              change({
                statuses: [...without(statuses, removed), ...added.filter(isStatus)],
                codes: [...without(codes, removed), ...added.filter((one) => !isStatus(one))],
              })
            }}
            acceptValueOnBlur
            error={mistakes.length === 0 ? undefined : mistakes.join('; ')}
          />
        </>
      )}
    </Stack>
  )
}
