import { Anchor, List, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { guidesQuery } from './guides.ts'

/** Every guide there is. */
export function GuidesPage() {
  const guides = useQuery(guidesQuery)
  return (
    <>
      <PageHead title="Guides">Step by step, with commands to copy. Opened from a credential, its values are filled in.</PageHead>
      <Stack gap="md">
        <ProblemNotice error={guides.error} />
        <List spacing={6}>
          {(guides.data ?? []).map((guide) => (
            <List.Item key={guide.id}>
              <Anchor component={Link} to="/guides/$guide" params={{ guide: guide.id } as never}>
                {guide.title}
              </Anchor>
            </List.Item>
          ))}
        </List>
        <Text size="sm" c="dimmed">
          The same texts are in the folder docs/guide of the program.
        </Text>
      </Stack>
    </>
  )
}
