import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { canUsePasskeys, isBareAddress } from '../sign-in/passkey.ts'
import { SignInProblem } from '../sign-in/sign-in-problem.tsx'
import { addPasskey } from './add-passkey.ts'
import type { Passkey } from './own-types.ts'

/** Signing in with a fingerprint, a face, a PIN or a security key instead of the password. */
export function Passkeys() {
  const [name, setName] = useState('')
  const [removing, setRemoving] = useState<Passkey | null>(null)
  const list = useQuery({ queryKey: ['passkeys'], queryFn: () => api.listPasskeys(), placeholderData: keepPreviousData })
  const rows = list.data?.items ?? []
  const refresh = () => {
    void queryClient.invalidateQueries({ queryKey: ['passkeys'] })
    void queryClient.invalidateQueries({ queryKey: ['session'] })
    void queryClient.invalidateQueries({ queryKey: ['persons'] })
  }
  const add = useMutation({
    mutationFn: () => addPasskey(name.trim()),
    onSuccess: () => {
      tell(`The passkey “${name.trim()}” is added.`)
      setName('')
      refresh()
    },
  })
  const columns: Column<Passkey>[] = [
    { title: 'Name', cell: (row) => <bdi>{row.name}</bdi> },
    { title: 'Added', cell: (row) => <RelativeTime at={row.created_at} /> },
    { title: 'Last used', cell: (row) => <RelativeTime at={row.last_used_at} empty="never" /> },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 110,
      cell: (row) => (
        <Group justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={() => setRemoving(row)} aria-label={`Remove: ${row.name}`}>
            Remove
          </Button>
        </Group>
      ),
    },
  ]
  return (
    <Paper withBorder p="md" component="section" aria-label="Passkeys">
      <Title order={2}>Passkeys</Title>
      <Text size="sm" c="dimmed" mb="sm">
        Sign in with a fingerprint, a face, a PIN or a security key. Nothing to remember, and nothing that a false page could steal.
      </Text>
      <Stack>
        <ProblemNotice error={list.error} />
        {list.isPending && <Skeleton h={60} />}
        {rows.length > 0 && <ListTable label="Passkeys" columns={columns} rows={rows} rowKey={(row) => row.id} />}
        {list.data !== undefined && rows.length === 0 && <Text size="sm">You have none yet.</Text>}
        {canUsePasskeys() ? (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              add.mutate()
            }}
          >
            <Group align="flex-end" gap="xs">
              <TextInput
                label="New passkey"
                description="What you will know it by"
                placeholder="Laptop"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                maxLength={100}
                required
                flex="1 1 12rem"
                maw={{ base: '100%', xs: 300 }}
              />
              <Button type="submit" loading={add.isPending} disabled={name.trim() === ''}>
                Add
              </Button>
            </Group>
          </form>
        ) : (
          <Elsewhere />
        )}
        <SignInProblem error={add.error} title="No passkey was added" />
      </Stack>
      <TypeToConfirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove the passkey “${removing?.name ?? ''}”?`}
        word=""
        button="Remove"
        onConfirm={async () => {
          await withFreshSignIn(() => api.removePasskey({ params: { passkey: removing!.id } }))
          tell(`The passkey “${removing!.name}” is removed.`)
          refresh()
        }}
      >
        <Text size="sm">It signs nobody in any more, and all your other sessions end. Remove it from the device, too.</Text>
      </TypeToConfirm>
    </Paper>
  )
}

/** Why no passkey can be added on this page, and where it can. */
function Elsewhere() {
  const { protocol, port } = window.location
  if (!isBareAddress() || protocol === 'https:') return <Text size="sm">This browser has no passkeys, or this page was not opened by https.</Text>
  const there = `http://localhost${port === '' ? '' : `:${port}`}/profile`
  return (
    <Text size="sm">
      Passkeys belong to a name, not to an address. Open{' '}
      <Anchor href={there} size="sm" underline="always">
        {there}
      </Anchor>{' '}
      to add one.
    </Text>
  )
}
