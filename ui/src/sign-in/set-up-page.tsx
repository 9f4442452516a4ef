import { Paper, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { api } from '../api/client.ts'
import { NewPersonForm } from './new-person-form.tsx'
import { useLinkCode } from './link-code.ts'

/** The first person: whoever holds the one-time link that the service printed. */
export function SetUpPage() {
  useDocumentTitle('First sign-in – Keybearer')
  const code = useLinkCode()
  return (
    <Paper withBorder p="xl">
      <Stack>
        <Title order={1}>Welcome to Keybearer</Title>
        <Text>Choose how you sign in. You become the administrator of this service; others can be invited later.</Text>
        <NewPersonForm button="Set up and sign in" missingCode={code === ''} onSubmit={(name, password) => api.setUp({ body: { code, name, password } })} />
      </Stack>
    </Paper>
  )
}
