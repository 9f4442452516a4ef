import { Spotlight, createSpotlight } from '@mantine/spotlight'
import { Box, Text } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { IconArrowRight, IconBolt, IconBook2, IconKey, IconPlayerPlay, IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type KeyboardEvent } from 'react'
import { api } from '../api/client.ts'
import { includesRole, useSession } from '../api/session.ts'
import { actionsQuery } from '../actions/actions-query.ts'
import { kindWords } from '../actions/action-words.ts'
import { StatusMark } from '../credentials/status-mark.tsx'
import type { Guide } from '../guides/guide.ts'
import { guidesQuery } from '../guides/guides.ts'
import { features, fitOf } from './features.ts'
import { fittingActions } from './find-actions.ts'
import { readVerb, runVerb, verbs } from './verbs.ts'

const [store, spotlight] = createSpotlight()
export const openFind = (): void => spotlight.open()
export const closeFind = (): void => spotlight.close()

/** Finds pages and features by words or initials, credentials by name, and does what a verb says: "reconnect work-mail". */
export function Find() {
  const [query, setQuery] = useState('')
  const [isOpen, setOpen] = useState(false)
  const [wanted] = useDebouncedValue(query, 120)
  const navigate = useNavigate()
  const { data: session } = useSession()
  const role = session?.person?.role
  // Also while somebody types in a field, where the single key is a letter.
  useHotkeys([['mod+K', openFind]], [])
  const mayRun = includesRole(role, 'manager')
  const read = readVerb(query)
  const order = read?.verb === runVerb && !mayRun ? null : read
  const name = order === null ? wanted.trim() : (readVerb(wanted)?.name ?? '')

  const found = useQuery({
    queryKey: ['credentials', 'find', name],
    queryFn: () => api.listCredentials({ query: { ...(name === '' ? {} : { search: name.slice(0, 200) }), limit: 7 } }),
    placeholderData: keepPreviousData,
    enabled: isOpen && session?.person != null,
  })
  const saved = useQuery({ ...actionsQuery, enabled: isOpen && mayRun && session?.person != null })
  const texts = useQuery({ ...guidesQuery, enabled: isOpen && session?.person != null })
  const pages = features
    .filter((feature) => includesRole(role, feature.role))
    .map((feature) => ({ feature, fit: fitOf(query, feature) }))
    .filter(({ fit }) => fit > 0)
    .sort((one, other) => other.fit - one.fit)
    .slice(0, query.trim() === '' ? 20 : 7)
  const isRun = order?.verb === runVerb
  const credentials = ((query.trim() === '' && order === null) || isRun ? [] : (found.data?.items ?? [])).slice(0, 7)
  const actions = !mayRun || (order === null ? query.trim() === '' : !isRun) ? [] : fittingActions(saved.data ?? [], order === null ? query : order.name, 7)
  const guides = order !== null || query.trim() === '' ? [] : fitting(texts.data ?? [], query)
  const offered = order === null ? [] : verbs.filter((verb) => verb.word === order.verb)

  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpen(true)}
      onSpotlightClose={() => setOpen(false)}
      shortcut="/"
      scrollable
      maxHeight={460}
      clearQueryOnClose
      attributes={{ content: { 'aria-label': 'Quick find' } }}
      // Also on the green of the chosen line the second row and the status can be read.
      styles={{ actionDescription: { opacity: 1 }, actionSection: { opacity: 1 } }}
    >
      <Spotlight.Search
        placeholder="Page, credential, action, or “reconnect work-mail”"
        leftSection={<IconSearch size={18} aria-hidden />}
        aria-label="Find"
        onKeyDown={takeFirst}
      />
      <Spotlight.ActionsList>
        {order !== null && credentials.length > 0 && (
          <Spotlight.ActionsGroup label="Do">
            {offered.flatMap((verb) =>
              credentials.map((credential) => (
                <Spotlight.Action
                  key={`${verb.word}-${credential.id}`}
                  label={`${verb.title} ${credential.name}`}
                  description={credential.username ?? credential.description}
                  leftSection={<IconBolt size={18} aria-hidden />}
                  onClick={() => verb.run(credential, navigate)}
                />
              )),
            )}
          </Spotlight.ActionsGroup>
        )}
        {isRun && actions.length > 0 && (
          <Spotlight.ActionsGroup label="Do">
            {actions.map((action) => (
              <Spotlight.Action
                key={`run-${action.id}`}
                label={`Run ${action.name}`}
                description={action.inputs.length === 0 ? action.description : `Asks for ${action.inputs.join(', ')}`}
                leftSection={<IconPlayerPlay size={18} aria-hidden />}
                onClick={() => void navigate({ to: '/actions/$action', params: { action: action.id } as never, hash: 'run' })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {order === null && pages.length > 0 && (
          <Spotlight.ActionsGroup label="Pages">
            {pages.map(({ feature }) => (
              <Spotlight.Action
                key={feature.id}
                label={feature.title}
                description={feature.description}
                leftSection={<IconArrowRight size={18} aria-hidden />}
                onClick={() => void navigate({ to: feature.path })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {order === null && credentials.length > 0 && (
          <Spotlight.ActionsGroup label="Credentials">
            {credentials.map((credential) => (
              <Spotlight.Action
                key={credential.id}
                label={credential.name}
                description={credential.username ?? credential.description}
                leftSection={<IconKey size={18} aria-hidden />}
                rightSection={
                  // On a ground of its own: the chosen line is green.
                  <Box component="span" bg="var(--mantine-color-body)" bdrs="xl" display="inline-flex">
                    <StatusMark status={credential.status} />
                  </Box>
                }
                onClick={() => void navigate({ to: '/credentials/$credential', params: { credential: credential.id } })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {order === null && actions.length > 0 && (
          <Spotlight.ActionsGroup label="Actions">
            {actions.map((action) => (
              <Spotlight.Action
                key={action.id}
                label={action.name}
                description={action.description === '' ? kindWords[action.kind] : action.description}
                leftSection={<IconBolt size={18} aria-hidden />}
                onClick={() => void navigate({ to: '/actions/$action', params: { action: action.id } as never })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {guides.length > 0 && (
          <Spotlight.ActionsGroup label="Guides">
            {guides.map(({ id, title }) => (
              <Spotlight.Action
                key={id}
                label={title}
                leftSection={<IconBook2 size={18} aria-hidden />}
                onClick={() => void navigate({ to: '/guides/$guide', params: { guide: id } as never })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {pages.length === 0 && credentials.length === 0 && actions.length === 0 && guides.length === 0 && (
          <Spotlight.Empty>
            <Text size="sm">Nothing fits. Try a name, an account, or initials such as AKC.</Text>
          </Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  )
}

/** Enter takes what stands first, as long as nothing else was chosen by the arrows. */
function takeFirst(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || document.querySelector('[data-action][data-selected]') !== null) return
  document.querySelector<HTMLElement>('[data-action]')?.click()
}

/** The guides whose titles fit best. */
const fitting = (guides: Guide[], query: string): Guide[] =>
  guides
    .map((guide) => ({ guide, fit: fitOf(query, { title: guide.title, words: guide.id.replaceAll('-', ' ') }) }))
    .filter(({ fit }) => fit > 0)
    .sort((one, other) => other.fit - one.fit)
    .slice(0, 5)
    .map(({ guide }) => guide)
