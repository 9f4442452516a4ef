import { Checkbox } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { useDraft } from './draft-form.ts'

const day = 86_400

/** Asks whether the application is still in testing at the provider, where consents end early then. What is said goes into the calendar. */
export function InTesting({ provider }: { provider: Provider | null }) {
  const form = useDraft()
  const { consentLifetime } = form.values
  const life = provider?.lifetimes.testing_consent
  if (provider === null || (life === undefined && consentLifetime === '')) return null
  const days = Math.round(Number(consentLifetime === '' ? life : consentLifetime) / day)
  return (
    <Checkbox
      label={`The application stands on “Testing” at ${provider.name}`}
      description={`Then each consent ends after ${days} days, renewed or not: the calendar shows the day, and you are told before. Publish the application, and connect once more, to end that.`}
      checked={consentLifetime !== ''}
      onChange={(event) => form.setFieldValue('consentLifetime', event.currentTarget.checked && life !== undefined ? String(life) : '')}
      error={form.errors.consentLifetime}
      maw={640}
    />
  )
}
