import { Center, Container } from '@mantine/core'
import { Outlet } from '@tanstack/react-router'

/** The frame of the pages that come before a sign-in. */
export function Outside() {
  return (
    <Center mih="100vh" component="main">
      <Container size={440} w="100%" py="xl">
        <Outlet />
      </Container>
    </Center>
  )
}
