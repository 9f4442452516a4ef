import { Group, NumberInput, Radio, Stack } from '@mantine/core'
import { ListInput } from '../wizard/list-input.tsx'
import { ActionSelect } from './action-select.tsx'
import type { OnErrorValues } from './action-values.ts'
import type { PartProps } from './field-part.ts'

const reports = [
  { value: 'no', label: 'Tell nobody' },
  { value: 'options', label: 'Tell those whom the email options name, by mail' },
  { value: 'these', label: 'Tell these, by mail' },
] as const

/** What is done when a run fails, in the order in which it is done. */
export function OnErrorFields({ values, change, errorAt, self }: PartProps<OnErrorValues> & { self: string | undefined }) {
  return (
    <Stack>
      <Group align="flex-start" grow preventGrowOverflow={false}>
        <NumberInput
          label="Try again"
          description="How often; 0: not at all"
          suffix={values.retries === 1 ? ' time' : ' times'}
          min={0}
          max={10}
          allowDecimal={false}
          value={values.retries}
          onChange={(retries) => change({ retries })}
          error={errorAt('retries')}
        />
        {values.retries !== 0 && (
          <NumberInput
            label="After"
            description="Longer if the server asks for it"
            suffix=" s"
            min={1}
            max={3600}
            allowDecimal={false}
            value={values.retry_delay_seconds}
            onChange={(retry_delay_seconds) => change({ retry_delay_seconds })}
            error={errorAt('retry_delay_seconds')}
          />
        )}
      </Group>
      <Radio.Group
        label="When it has failed"
        value={values.report}
        onChange={(report) => change({ report: reports.find((one) => one.value === report)?.value ?? 'no' })}
        error={values.report === 'these' ? undefined : errorAt('report')}
      >
        <Stack gap={6} mt={6}>
          {reports.map((report) => (
            <Radio key={report.value} value={report.value} label={report.label} />
          ))}
        </Stack>
      </Radio.Group>
      {values.report === 'these' && (
        <ListInput
          label="Addresses"
          description="Enter or a comma ends each address. Empty: those whom the email options name."
          byBlank
          value={values.report_to}
          onChange={(report_to) => change({ report_to })}
          acceptValueOnBlur
          error={errorAt('report.to', values.report_to) ?? errorAt('report')}
        />
      )}
      <ActionSelect
        label="Run another action beside"
        description="Such as one that cleans up. Its own outcome does not count."
        placeholder="None"
        value={values.run}
        onPick={(run) => change({ run })}
        except={self}
        error={errorAt('run')}
        clearButtonProps={{ 'aria-label': 'None' }}
      />
      <ActionSelect
        label="Go on with another action"
        description="It gets what came of this one. Without it, all stops here."
        placeholder="Stop"
        value={values.continue_with}
        onPick={(continue_with) => change({ continue_with })}
        except={self}
        error={errorAt('continue_with')}
        clearButtonProps={{ 'aria-label': 'Stop' }}
      />
    </Stack>
  )
}
