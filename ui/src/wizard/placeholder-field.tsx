import { Select, TextInput } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { useDraft } from './draft-form.ts'

/** A value that is part of the provider's addresses: what it is, where to find it, and the choice where only some count. */
export function PlaceholderField({ name, rule }: { name: string; rule: Provider['placeholders'][string] }) {
  const form = useDraft()
  const common = {
    label: rule.title,
    description: [rule.meaning, rule.where === undefined ? '' : `Where to find it: ${rule.where}.`].join(' ').trim(),
    placeholder: rule.example,
    withAsterisk: rule.kind !== 'url' || name === 'token_endpoint',
    autoComplete: 'off',
    ...form.getInputProps(`placeholders.${name}`),
    value: form.values.placeholders[name] ?? rule.default ?? '',
  }
  if (rule.values === undefined) return <TextInput {...common} spellCheck={false} />
  return (
    <Select
      {...common}
      data={rule.values}
      value={common.value === '' ? null : common.value}
      onChange={(value) => form.setFieldValue(`placeholders.${name}`, value ?? '')}
      allowDeselect={false}
      searchable={rule.values.length > 8}
      maw={480}
    />
  )
}
