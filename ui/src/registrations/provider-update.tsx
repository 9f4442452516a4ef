import { Button, Group, List, PasswordInput, Stack, Text } from '@mantine/core'
import type { Registration } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { Notice } from '../elements/notice.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'

/** Tells that other facts are known of the provider by now, shows them side by side, and lets a person accept them. */
export function ProviderUpdateNotice({ registration }: { registration: Registration }) {
  const [secret, setSecret] = useState('')
  const [open, setOpen] = useState(false)
  const params = { registration: registration.id }
  const found = useQuery({ queryKey: ['registrations', 'update', registration.id, registration.revision], queryFn: () => api.getProviderUpdate({ params }) })
  const accept = useMutation({
    mutationFn: (digest: string) => api.acceptProviderUpdate({ params, body: { digest, ...(secret === '' ? {} : { client_secret: secret }) } }),
    onSuccess: () => {
      setSecret('')
      tell(`“${registration.name}” goes on with what is known now.`)
      for (const key of ['registrations', 'credentials', 'credential', 'counts']) void queryClient.invalidateQueries({ queryKey: [key] })
    },
  })
  const update = found.data
  if (update === undefined || update.digest === null) return null
  const { digest } = update
  const wantsSecret = update.moves_secrets && registration.has_client_secret
  return (
    <Notice color="yellow" title={`Something else is known of ${registration.provider.name} by now`}>
      <Stack gap="sm">
        <Text size="sm">This registration goes on with what it was made with until you accept the change.</Text>
        {open && (
          <List size="sm" spacing={6}>
            {update.differences.map(({ field, before, after }) => (
              <List.Item key={field}>
                <b>{field.replaceAll('_', ' ')}</b>: <span className="mono">{before ?? 'nothing'}</span> becomes{' '}
                <span className="mono">{after ?? 'nothing'}</span>
              </List.Item>
            ))}
          </List>
        )}
        {open && update.moves_secrets && (
          <Text size="sm">
            Secrets would go to other servers. The stored ones are removed, unless you enter the client secret again, now or later, and the accounts have to be
            connected again.
          </Text>
        )}
        {open && wantsSecret && (
          <PasswordInput label="Client secret" value={secret} onChange={(event) => setSecret(event.currentTarget.value)} autoComplete="off" maw={420} />
        )}
        <ProblemNotice error={accept.error} />
        <Group gap="sm">
          {open ? (
            <Button size="compact-sm" onClick={() => accept.mutate(digest)} loading={accept.isPending}>
              Accept the change
            </Button>
          ) : (
            <Button size="compact-sm" variant="default" onClick={() => setOpen(true)} aria-expanded={false}>
              Show what is different
            </Button>
          )}
        </Group>
      </Stack>
    </Notice>
  )
}
