import { Button } from '@mantine/core'

type Pages = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> }

/** Fetches the next page of a list; nothing where the list ends. */
export function MoreButton({ pages, children = 'More' }: { pages: Pages; children?: string }) {
  if (!pages.hasNextPage) return null
  return (
    <Button variant="default" size="xs" mt="sm" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
      {children}
    </Button>
  )
}
