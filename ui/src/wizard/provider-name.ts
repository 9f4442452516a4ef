import type { Provider } from '@keybearer/client'

/** What a provider is called in a sentence; one that is described by its addresses alone has no name. */
export const spokenName = (provider: Pick<Provider, 'id' | 'name'> | null): string =>
  provider === null || provider.id === 'generic' ? 'the provider' : provider.name
