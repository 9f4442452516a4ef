import { Button, Skeleton, Tabs, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { AccessKey } from '@keybearer/client'
import { IconPlus } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useAddressFilter } from '../elements/address-filter.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { KeyGrid } from './key-grid.tsx'
import { KeyList } from './key-list.tsx'
import { NewKeyDrawer } from './new-key-drawer.tsx'

/** What automations call Keybearer with: which key may do what with which credential, until when, and who used it last. */
export function AccessKeysPage() {
  const [{ view }, change] = useAddressFilter({ view: 'list' })
  const [making, make] = useDisclosure(false)
  const [revoking, setRevoking] = useState<AccessKey | null>(null)
  const list = useQuery({ queryKey: ['access-keys'], queryFn: () => api.listAccessKeys(), placeholderData: keepPreviousData })
  const keys = list.data?.items ?? []
  const resume = useMutation({
    mutationFn: (key: AccessKey) => withFreshSignIn(() => api.resumeAccessKey({ params: { access_key: key.id }, body: {} })),
    onSuccess: (key) => {
      tell(`“${key.name}” counts again.`)
      void queryClient.invalidateQueries({ queryKey: ['access-keys'] })
    },
  })
  return (
    <>
      <PageHead
        title="Access keys"
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={make.open}>
            New access key
          </Button>
        }
      >
        What scripts and programs call Keybearer with. Each may do only what it was given, with the credentials it was given.
      </PageHead>
      <ProblemNotice error={list.error ?? resume.error} />
      {list.isPending && <Skeleton h={200} />}
      {list.data !== undefined && keys.length === 0 && (
        <EmptyState
          title="No access keys yet"
          command="keybearer key create nightly-backup --credential work-mail --right token --expires 90d"
          action={
            <Button w="fit-content" onClick={make.open}>
              Make the first key
            </Button>
          }
        >
          Give each automation a key of its own: then the list says who used what, and one key can be ended without breaking the others.
        </EmptyState>
      )}
      {keys.length > 0 && (
        <Tabs value={view === 'grid' ? 'grid' : 'list'} onChange={(value) => change({ view: value ?? 'list' })}>
          <Tabs.List mb="sm">
            <Tabs.Tab value="list">Keys</Tabs.Tab>
            <Tabs.Tab value="grid">Who may what</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="list">
            <KeyList keys={keys} onRevoke={setRevoking} onResume={(key) => resume.mutate(key)} />
          </Tabs.Panel>
          <Tabs.Panel value="grid">
            <KeyGrid keys={keys} />
          </Tabs.Panel>
        </Tabs>
      )}
      <NewKeyDrawer opened={making} onClose={make.close} />
      <RevokeKey accessKey={revoking} onClose={() => setRevoking(null)} />
    </>
  )
}

function RevokeKey({ accessKey, onClose }: { accessKey: AccessKey | null; onClose: () => void }) {
  const revoke = async () => {
    await withFreshSignIn(() => api.revokeAccessKey({ params: { access_key: accessKey!.id } }))
    tell(`“${accessKey!.name}” is revoked. It opens nothing any more.`)
    await queryClient.invalidateQueries({ queryKey: ['access-keys'] })
  }
  const isUsed = accessKey !== null && accessKey.last_used_at !== null
  return (
    <TypeToConfirm
      opened={accessKey !== null}
      onClose={onClose}
      title={`Revoke “${accessKey?.name ?? ''}”?`}
      word={isUsed ? accessKey.name : ''}
      button="Revoke"
      onConfirm={revoke}
    >
      <Text size="sm">It ends at once and cannot be brought back. The list shows it for 90 more days.</Text>
      {isUsed && (
        <Text size="sm" fw={600}>
          It was used <RelativeTime at={accessKey.last_used_at} />
          {accessKey.last_used_from !== null && ` from ${accessKey.last_used_from}`}: whatever uses it will fail.
        </Text>
      )}
    </TypeToConfirm>
  )
}
