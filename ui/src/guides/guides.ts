import { readGuide, type Guide } from './guide.ts'

let loading: Promise<Guide[]> | null = null

/** Loads the guides: they are part of the page, so that they are there without a network. */
export function loadGuides(): Promise<Guide[]> {
  loading ??= import('./guide-files.ts')
    .then(({ guideFiles }) =>
      Object.entries(guideFiles)
        .map(([path, text]) => readGuide(/([a-z0-9-]+)\.md$/i.exec(path)![1]!, text))
        .sort((one, other) => one.title.localeCompare(other.title, 'en')),
    )
    .catch((error: unknown) => {
      loading = null
      throw error
    })
  return loading
}

export const guidesQuery = { queryKey: ['guides'], queryFn: loadGuides, staleTime: Infinity, gcTime: Infinity }
