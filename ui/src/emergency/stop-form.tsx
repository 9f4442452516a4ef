import { Button, Group, Paper, Radio, Select, SimpleGrid, Stack, Switch, Text, TextInput, Title } from '@mantine/core'
import type { NewEmergencyStop } from '@keybearer/client'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { countOf } from '../elements/count-of.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { allProviders } from '../providers/all-providers.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

type Fields = { search: string; provider: string; account: string; tag: string; usedBy: string; createdBefore: string; unusedSince: string }
const empty: Fields = { search: '', provider: '', account: '', tag: '', usedBy: '', createdBefore: '', unusedSince: '' }

/** What the fields name; what is left empty is not looked at. */
function matchOf(fields: Fields): NewEmergencyStop['match'] {
  const day = (date: string) => (date === '' ? '' : new Date(`${date}T00:00`).toISOString())
  const named = {
    search: fields.search.trim(),
    provider: fields.provider,
    account: fields.account.trim(),
    tag: fields.tag.trim(),
    used_by: fields.usedBy.trim(),
    created_before: day(fields.createdBefore),
    unused_since: day(fields.unusedSince),
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== ''))
}

/** Chooses what is to be stopped, says how many that are, and stops them. */
export function StopForm() {
  const navigate = useNavigate()
  const [which, setWhich] = useState<'some' | 'all'>('some')
  const [fields, setFields] = useState(empty)
  const [revoke, setRevoke] = useState(false)
  const [reason, setReason] = useState('')
  const [isAsking, setIsAsking] = useState(false)
  const set = (part: Partial<Fields>) => setFields((before) => ({ ...before, ...part }))
  const providers = useQuery({ ...allProviders, staleTime: 300_000 })
  const match = which === 'all' ? {} : matchOf(fields)
  const isNamed = which === 'all' || Object.keys(match).length > 0
  const [asked] = useDebouncedValue(match, 180)
  const counts = useQuery({
    queryKey: ['counts', 'emergency', asked],
    queryFn: () => api.countCredentials({ query: asked }),
    enabled: isNamed,
    placeholderData: keepPreviousData,
  })
  const isCounted = isNamed && counts.data !== undefined && !counts.isPlaceholderData && JSON.stringify(asked) === JSON.stringify(match)
  const total = isCounted ? counts.data.total : 0
  const begin = async () => {
    const body = { match, revoke, reason: reason.trim(), ...(which === 'all' ? { everything: true as const } : {}) }
    const stop = await withFreshSignIn(() => api.beginEmergencyStop({ body }))
    await queryClient.invalidateQueries({ queryKey: ['emergency-stops'] })
    await navigate({ to: '/emergency-stops/$stop', params: { stop: stop.id } })
  }
  const text = (field: keyof Fields, label: string, description?: string) => (
    <TextInput
      label={label}
      description={description}
      value={fields[field]}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
      autoComplete="off"
    />
  )
  return (
    <Paper withBorder p="md" component="section" aria-label="Stop credentials" maw={760}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (total > 0) setIsAsking(true)
        }}
      >
        <Stack gap="md">
          <Title order={2}>Which</Title>
          <Radio.Group aria-label="Which credentials" value={which} onChange={(value) => setWhich(value)}>
            <Group>
              <Radio value="some" label="Those that fit everything named here" />
              <Radio value="all" label="All there are" />
            </Group>
          </Radio.Group>
          {which === 'some' && (
            <SimpleGrid cols={{ base: 1, xs: 2 }} verticalSpacing="sm">
              <Select
                label="Provider"
                placeholder="Every provider"
                data={(providers.data?.items ?? []).map((provider) => ({ value: provider.id, label: provider.name }))}
                value={fields.provider === '' ? null : fields.provider}
                onChange={(provider) => set({ provider: provider ?? '' })}
                clearable
                clearButtonProps={{ 'aria-label': 'Every provider' }}
                searchable
              />
              {text('account', 'Account', undefined)}
              {text('usedBy', 'Used by the access key')}
              {text('tag', 'Tag')}
              <TextInput label="Made before" type="date" value={fields.createdBefore} onChange={(event) => set({ createdBefore: event.currentTarget.value })} />
              <TextInput label="Not used since" type="date" value={fields.unusedSince} onChange={(event) => set({ unusedSince: event.currentTarget.value })} />
              {text('search', 'Part of a name, account or description')}
            </SimpleGrid>
          )}
          <Switch
            label="Take their tokens back at the providers, too"
            description="What has left already does not count any more. Each of them then needs a person who connects it again."
            checked={revoke}
            onChange={(event) => setRevoke(event.currentTarget.checked)}
          />
          <TextInput
            label="Why"
            description="For those who look later."
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={1000}
          />
          <ProblemNotice error={counts.error} />
          <Group>
            <Button type="submit" color="red.9" disabled={total === 0}>
              {isCounted && total > 0 ? `Stop ${countOf(total)}` : 'Stop'}
            </Button>
            <Text size="sm" role="status">
              {!isNamed
                ? 'Name what is to be stopped.'
                : !isCounted
                  ? ''
                  : total === 0
                    ? 'No credential fits.'
                    : `${countOf(total)} ${total === 1 ? 'fits' : 'fit'}.`}
            </Text>
          </Group>
        </Stack>
      </form>
      <TypeToConfirm
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={`Stop ${countOf(total)}?`}
        word={`stop ${total}`}
        button="Stop them"
        onConfirm={begin}
      >
        <Text size="sm">
          No automation gets a token of them any more until they are switched on again.
          {revoke && ' Their tokens are taken back at the providers: that cannot be undone, and each of them needs a person who connects it again.'}
        </Text>
      </TypeToConfirm>
    </Paper>
  )
}
