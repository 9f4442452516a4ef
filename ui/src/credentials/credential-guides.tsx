import { Anchor, List, Paper, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { guidesQuery } from '../guides/guides.ts'
import { guidesBeside } from '../guides/guides-beside.ts'

/** The guides for a credential; behind each link its values are filled in. */
export function CredentialGuides({ credential }: { credential: Credential }) {
  const providerId = credential.provider?.id ?? ''
  const provider = useQuery({
    queryKey: ['provider', providerId],
    queryFn: async () => (await api.getProvider({ params: { provider: providerId } })).description,
    enabled: providerId !== '',
  })
  const guides = useQuery(guidesQuery)
  if (guides.data === undefined || (providerId !== '' && provider.isPending)) return null
  const beside = guidesBeside({ kind: credential.kind, step: null, provider: provider.data ?? null, grant: credential.grant, clientAuth: null })
  const ids = [...new Set([...beside.map((one) => one.guide), 'send-mail-from-cron', 'when-something-fails'])]
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">
        Guides
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        Step by step, with the values of this credential.
      </Text>
      <List size="sm" spacing={4}>
        {ids.flatMap((id) => {
          const guide = guides.data.find((one) => one.id === id)
          return guide === undefined
            ? []
            : [
                <List.Item key={id}>
                  <Anchor component={Link} to="/guides/$guide" params={{ guide: id } as never} search={{ credential: credential.id } as never} inherit>
                    {guide.title}
                  </Anchor>
                </List.Item>,
              ]
        })}
      </List>
    </Paper>
  )
}
