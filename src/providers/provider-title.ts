/**
 * Returns what a provider is called in sentences and lists: its name, and where it is described by its addresses alone, the host of
 * its token address, which is what people know it by.
 */
export function providerTitle(provider: { id?: string; name?: string }, placeholders: Record<string, string>): string {
  const name = provider.name ?? provider.id ?? ''
  return provider.id === 'generic' && URL.canParse(placeholders.token_endpoint ?? '') ? new URL(placeholders.token_endpoint!).host : name
}
