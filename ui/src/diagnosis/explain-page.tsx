import { Stack, Text } from '@mantine/core'
import { PageHead } from '../elements/page-head.tsx'
import { ExplainBox } from './explain-box.tsx'

/** Explains errors that never reach Keybearer. */
export function ExplainPage() {
  return (
    <>
      <PageHead title="Explain an error">Many errors stand on a page of the provider, in a log or in a mail, and never come here.</PageHead>
      <Stack gap="md">
        <ExplainBox />
        <Text size="sm" c="dimmed">
          The same at the command line: <code className="mono">keybearer explain &lt; error.txt</code>
        </Text>
      </Stack>
    </>
  )
}
