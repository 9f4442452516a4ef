import type { Provider } from '@keybearer/client'

type Field = keyof Provider['fields']

/** What a field is, in general words and in those of the provider: its own name for it, and where it is found. */
export function fieldHelp(provider: Provider | null, field: Field, general: string): string {
  const help = provider?.fields[field]
  if (provider === null || help === undefined) return general
  return [
    general,
    help.title === undefined ? '' : `${provider.name} calls it “${help.title}”.`,
    help.meaning ?? '',
    help.where === undefined ? '' : `Where to find it: ${help.where}.`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}
