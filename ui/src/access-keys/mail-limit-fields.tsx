import { Group, Input, NumberInput } from '@mantine/core'
import type { NewAccessKey } from '@keybearer/client'

/** Empty: no limit of its own. */
export type MailLimitDraft = { messages_per_hour: number | string; recipients_per_message: number | string; bytes_per_message: number | string }

export const noLimits: MailLimitDraft = { messages_per_hour: '', recipients_per_message: '', bytes_per_message: '' }

/** What the service is asked for; nothing where no limit is set. */
export function mailLimitsOf(draft: MailLimitDraft): Pick<NewAccessKey, 'mail_limits'> | Record<string, never> {
  const set = Object.entries(draft).filter(([, value]) => typeof value === 'number')
  return set.length === 0 ? {} : { mail_limits: Object.fromEntries(set) }
}

type Props = { limits: MailLimitDraft; errors: Record<string, string>; onChange: (limits: MailLimitDraft) => void }

/** How much mail the key may send at most. */
export function MailLimitFields({ limits, errors, onChange }: Props) {
  const field = (name: keyof MailLimitDraft, label: string, max: number) => (
    <NumberInput
      label={label}
      placeholder="no limit"
      min={1}
      max={max}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      thousandSeparator=" "
      value={limits[name]}
      onChange={(value) => onChange({ ...limits, [name]: value })}
      error={errors[`mail_limits.${name}`]}
    />
  )
  return (
    <Input.Wrapper label="Mail at most" description="So that a program that runs wild does not use up the mailbox" labelElement="div">
      <Group mt={6} grow align="flex-start" role="group" aria-label="Mail at most">
        {field('messages_per_hour', 'Mails an hour', 100_000)}
        {field('recipients_per_message', 'Recipients of one', 500)}
        {field('bytes_per_message', 'Bytes of one', 150_000_000)}
      </Group>
    </Input.Wrapper>
  )
}
