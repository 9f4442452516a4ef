import { Anchor, Grid, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { api } from '../api/client.ts'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { GuideBody } from './guide-body.tsx'
import { valuesOf } from './guide-values.ts'
import { guidesQuery } from './guides.ts'
import { OwnValues } from './own-values.tsx'
import type { PlaceValues } from './places.ts'

/** One guide on a page of its own; `?credential=` fills in the values of one. */
export function GuidePage() {
  const { guide: id } = useParams({ from: '/inside/guides/$guide' })
  const navigate = useNavigate()
  const hash = useRouterState({ select: (state) => state.location.hash })
  const ref = useRouterState({ select: (state) => readCredential(state.location.search) })
  const guides = useQuery(guidesQuery)
  const [typed, setTyped] = useState<PlaceValues>({})
  const filled = useValues(ref)
  const guide = guides.data?.find((one) => one.id === id)
  useEffect(() => {
    const heading = hash === '' ? null : document.getElementById(decodeURIComponent(hash))
    heading?.scrollIntoView()
    heading?.focus({ preventScroll: true })
  }, [guide?.id, hash])

  if (guide === undefined) {
    if (guides.isPending) return <Skeleton h={360} aria-label="Loading" />
    return (
      <Stack>
        <PageHead title="There is no such guide" />
        <ProblemNotice error={guides.error} />
        <Anchor component={Link} to="/guides">
          To the guides
        </Anchor>
      </Stack>
    )
  }
  const search = (ref === '' ? {} : { credential: ref }) as never
  const hasPlaces = Object.keys(guide.places).length > 0
  return (
    <>
      <PageHead title={guide.title}>
        <Anchor component={Link} to="/guides" inherit underline="always">
          Guides
        </Anchor>
        {filled.name !== null && (
          <>
            , with the values of{' '}
            <Anchor component={Link} to="/credentials/$credential" params={{ credential: ref } as never} inherit underline="always">
              {filled.name}
            </Anchor>
          </>
        )}
      </PageHead>
      <ProblemNotice error={filled.error} />
      <Grid gap="lg">
        {hasPlaces && (
          <Grid.Col span={{ base: 12, lg: 4 }} order={{ base: 1, lg: 2 }}>
            <Paper withBorder p="md">
              <Text size="sm" fw={600} mb="xs">
                Values in this guide
              </Text>
              <OwnValues guide={guide} known={filled.values} typed={typed} onType={setTyped} ask="all" />
            </Paper>
          </Grid.Col>
        )}
        <Grid.Col span={{ base: 12, lg: hasPlaces ? 8 : 10 }} order={{ base: 2, lg: 1 }}>
          <GuideBody
            guide={guide}
            values={{ ...typed, ...filled.values }}
            level={2}
            prefix=""
            hrefOf={(to, section) => `/guides/${to}${ref === '' ? '' : `?credential=${encodeURIComponent(ref)}`}${section === null ? '' : `#${section}`}`}
            onFollow={(to, section) => void navigate({ to: '/guides/$guide', params: { guide: to } as never, search, hash: section ?? '' })}
            has={(other) => guides.data?.some((one) => one.id === other) ?? false}
          />
        </Grid.Col>
      </Grid>
    </>
  )
}

const readCredential = (search: unknown): string => {
  const { credential } = search as { credential?: unknown }
  return typeof credential === 'string' ? credential : ''
}

/** Loads what the guides can say of a credential. */
function useValues(ref: string): { name: string | null; values: PlaceValues; error: unknown } {
  const found = useQuery({ queryKey: ['credential', ref], queryFn: () => api.getCredential({ params: { credential: ref } }), enabled: ref !== '' })
  const registrationId = found.data?.registration?.id ?? ''
  const registration = useQuery({
    queryKey: ['registration', registrationId],
    queryFn: () => api.getRegistration({ params: { registration: registrationId } }),
    enabled: registrationId !== '',
  })
  const providerId = found.data?.provider?.id ?? ''
  const provider = useQuery({
    queryKey: ['provider', providerId],
    queryFn: async () => (await api.getProvider({ params: { provider: providerId } })).description,
    enabled: providerId !== '',
  })
  const credential = found.data
  if (credential === undefined) return { name: null, values: {}, error: found.error }
  return { name: credential.name, values: valuesOf(credential, registration.data ?? null, provider.data ?? null), error: found.error }
}
