/** The text of every page of docs/guide, as it stands in the repository. */
export const guideFiles: Record<string, string> = import.meta.glob('../../../docs/guide/[a-z]*.md', { eager: true, query: '?raw', import: 'default' })
