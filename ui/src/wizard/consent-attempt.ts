import type { Consent, ConsentStart } from '@keybearer/client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client.ts'

/** How the person gets to the provider's page: the first two come back by themselves through this browser; a link is for somebody else. */
export type Way = 'tab' | 'here' | 'device' | 'paste' | 'link'

const modes: Record<Way, ConsentStart['mode']> = { tab: 'browser', here: 'browser', device: 'device', paste: 'paste', link: 'link' }

/** What the answer to the start says and nothing later does: where to go. */
type Started = Pick<Consent, 'authorization_url' | 'verification_uri_complete' | 'link'> & { id: string; way: Way }

/**
 * One attempt to connect: started in a way of the person's choice, then watched until it ends, by event and by asking.
 *
 * The attempt stands in the address bar, so that a reload, or the way back from the provider's page, finds it again.
 */
export function useConsentAttempt(credential: string) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const inAddress = useRouterState({ select: (state) => readId(state.location.search) })
  const [started, setStarted] = useState<Started | null>(null)
  const [blocked, setBlocked] = useState(false)
  const tab = useRef<Window | null>(null)
  const id = started?.id ?? inAddress

  const remember = (consent: string | undefined) =>
    navigate({ to: '.', search: ((before: Record<string, unknown>) => ({ ...before, consent })) as never, replace: true, resetScroll: false })

  const start = useMutation({
    mutationFn: async ({ way, other }: { way: Way; other: boolean }) => ({
      way,
      consent: await api.startConsent({ params: { credential }, body: { mode: modes[way], ...(other ? { allow_other_account: true } : {}) } }),
    }),
    onSuccess: async ({ way, consent }) => {
      queries.setQueryData(['consent', consent.id], consent)
      const { id: attempt, authorization_url, verification_uri_complete, link } = consent
      setStarted({ id: attempt, way, authorization_url, verification_uri_complete, link })
      await remember(consent.id)
      if (consent.authorization_url === null) return
      if (way === 'here') window.location.assign(consent.authorization_url)
      if (way === 'tab' && tab.current !== null) tab.current.location.replace(consent.authorization_url)
    },
    onError: () => tab.current?.close(),
  })

  const watched = useQuery({
    queryKey: ['consent', id],
    queryFn: () => api.getConsent({ params: { consent: id! } }),
    enabled: id !== null,
    refetchInterval: ({ state: { data } }) => (data === undefined || isUnderWay(data) ? Math.max(2, data?.interval ?? 2) * 1000 : false),
    refetchIntervalInBackground: true,
    refetchOnMount: 'always',
  })
  const consent = id === null ? null : (watched.data ?? null)
  const status = consent?.credential.id === credential || consent?.credential.name === credential ? consent.status : undefined

  useEffect(() => {
    if (status !== 'done') return
    for (const key of ['credential', 'credentials', 'counts']) void queries.invalidateQueries({ queryKey: [key] })
  }, [status, id])

  return {
    consent,
    started,
    blocked,
    error: start.error ?? watched.error,
    starting: start.isPending,
    /** Says whether the tab that was opened is closed, as far as the browser tells. */
    isTabClosed: () => tab.current?.closed === true,
    begin(way: Way, other = false) {
      tab.current = null
      setBlocked(false)
      if (way === 'tab') {
        // Opened within the click, before the service has answered: later the browser would take it for an advertisement.
        tab.current = window.open('about:blank', '_blank')
        if (tab.current !== null) tab.current.opener = null
        setBlocked(tab.current === null)
      }
      start.mutate({ way, other })
    },
    forget() {
      start.reset()
      setStarted(null)
      setBlocked(false)
      void remember(undefined)
    },
  }
}

export type ConsentAttempt = ReturnType<typeof useConsentAttempt>

export const isUnderWay = (consent: Pick<Consent, 'status'>): boolean => consent.status === 'waiting' || consent.status === 'exchanging'

function readId(search: unknown): string | null {
  const { consent } = search as { consent?: unknown }
  return typeof consent === 'string' && consent !== '' ? consent : null
}
