import { Anchor, Button, Container, Stack, Text, Title } from '@mantine/core'
import { Link, type ErrorComponentProps } from '@tanstack/react-router'
import { ProblemNotice } from '../elements/problem-notice.tsx'

export function NotFound() {
  return (
    <Container size="sm" py="xl" component="main">
      <Stack>
        <Title order={1}>There is no such page</Title>
        <Text>The address may be old or mistyped.</Text>
        <Anchor component={Link} to="/credentials">
          To the credentials
        </Anchor>
      </Stack>
    </Container>
  )
}

/** A mistake of the page itself: says so, and that nothing was lost at the service. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <Container size="sm" py="xl" component="main">
      <Stack>
        <Title order={1}>This page could not be shown</Title>
        <ProblemNotice error={error} />
        <Button onClick={reset} w="fit-content">
          Show it again
        </Button>
      </Stack>
    </Container>
  )
}
