import { Button, CloseButton, Group, List, Stack, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { CredentialSelect } from '../elements/credential-select.tsx'

const shownAtMost = 50

type Props = { chosen: string[]; onChange: (chosen: string[]) => void; error: string | undefined }

/** The credentials that go into the file; more are added by name. */
export function ChosenCredentials({ chosen, onChange, error }: Props) {
  // The field is empty again after each choice.
  const [round, setRound] = useState(0)
  const shown = chosen.slice(0, shownAtMost)
  const names = useQueries({
    queries: shown.map((id) => ({
      queryKey: ['credential', id],
      queryFn: () => api.getCredential({ params: { credential: id } }),
      staleTime: 60_000,
      retry: false,
    })),
  })
  return (
    <Stack gap="xs" mt="sm">
      {shown.length > 0 && (
        <List listStyleType="none" size="sm" aria-label="Chosen credentials">
          {shown.map((id, index) => {
            const name = names[index]?.data?.name ?? id
            return (
              <List.Item key={id}>
                <Group gap={6} wrap="nowrap">
                  <CloseButton size="sm" aria-label={`Leave out: ${name}`} onClick={() => onChange(chosen.filter((one) => one !== id))} />
                  <bdi>{name}</bdi>
                </Group>
              </List.Item>
            )
          })}
        </List>
      )}
      {chosen.length > shownAtMost && (
        <Text size="sm">
          and {chosen.length - shownAtMost} more.{' '}
          <Button variant="subtle" size="compact-xs" onClick={() => onChange([])}>
            Leave all out
          </Button>
        </Text>
      )}
      <CredentialSelect
        key={round}
        label="Add one"
        placeholder="Search by name or account"
        value={null}
        onPick={(id) => {
          if (id === null) return
          if (!chosen.includes(id)) onChange([...chosen, id])
          setRound(round + 1)
        }}
        error={error}
        maw={{ base: '100%', xs: 420 }}
      />
    </Stack>
  )
}
