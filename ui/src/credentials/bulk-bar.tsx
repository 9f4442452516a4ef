import { Affix, Button, Group, List, Modal, Paper, Progress, Stack, TagsInput, Text, Transition } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { queryClient } from '../api/query-client.ts'
import { WhatDeletionMeans } from '../deleted/what-deletion-means.tsx'
import { countOf } from '../elements/count-of.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { doOne, preflight, type Result, type Work } from './bulk-work.ts'
import { usersOf } from './used-by.ts'

const atOnce = 4

/** Does one thing with several credentials: says before what will happen, and afterwards how each went. */
export function BulkBar({ rows, onDone }: { rows: Credential[]; onDone: () => void }) {
  const navigate = useNavigate()
  const [asking, setAsking] = useState<Work | null>(null)
  const [tags, setTags] = useState<string[]>([])
  const [run, setRun] = useState<{ work: Work; total: number; results: Result[] } | null>(null)

  const start = async (work: Work) => {
    const chosen = preflight(work, rows).fit
    const results: Result[] = []
    setAsking(null)
    setRun({ work, total: chosen.length, results })
    const queue = [...chosen]
    const worker = async () => {
      for (let credential = queue.shift(); credential !== undefined; credential = queue.shift()) {
        results.push(await doOne(work, credential, tags))
        setRun({ work, total: chosen.length, results: [...results] })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    await queryClient.invalidateQueries({ queryKey: ['credentials'] })
  }
  const { fit, left, inUse } = preflight(asking ?? 'tag', rows)
  return (
    <>
      <Transition mounted={rows.length > 0} transition="slide-up" duration={120}>
        {(style) => (
          <Affix position={{ bottom: 12, left: 12, right: 12 }} style={{ ...style, pointerEvents: 'none' }} zIndex={100}>
            <Paper
              withBorder
              shadow="md"
              p="xs"
              w="fit-content"
              maw="100%"
              mx="auto"
              style={{ pointerEvents: 'auto' }}
              role="region"
              aria-label="Selected credentials"
            >
              <Group gap="xs">
                <Text size="sm" fw={600}>
                  {rows.length} selected
                </Text>
                <Button size="compact-sm" variant="default" onClick={() => setAsking('test')}>
                  Test
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => setAsking('pause')}>
                  Pause
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => setAsking('resume')}>
                  Resume
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => setAsking('tag')}>
                  Tag
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  onClick={() => void navigate({ to: '/credentials/export', search: { credentials: rows.map((row) => row.id).join(',') } as never })}
                >
                  Export
                </Button>
                <Button size="compact-sm" color="red" variant="light" onClick={() => setAsking('delete')}>
                  Delete
                </Button>
                <Button size="compact-sm" variant="subtle" onClick={onDone}>
                  Clear
                </Button>
              </Group>
            </Paper>
          </Affix>
        )}
      </Transition>
      <TypeToConfirm
        opened={asking === 'delete'}
        onClose={() => setAsking(null)}
        title={questions.delete(rows.length)}
        word={inUse.length > 0 ? `delete ${rows.length}` : ''}
        button="Delete"
        onConfirm={() => start('delete')}
      >
        <WhatDeletionMeans count={rows.length} />
        <Text size="sm">Their tokens are taken back at the providers: restored, those have to be connected anew.</Text>
        <InUse rows={inUse} />
      </TypeToConfirm>
      <Modal opened={asking !== null && asking !== 'delete'} onClose={() => setAsking(null)} title={asking === null ? '' : questions[asking](fit.length)}>
        <Stack gap="sm">
          {asking === 'tag' && <TagsInput label="Tags to add" value={tags} onChange={setTags} maxTags={20} data-autofocus />}
          {asking === 'pause' && <Text size="sm">Nothing gets a token from them until they are resumed. Nothing is lost.</Text>}
          {asking === 'test' && <Text size="sm">Each is tried for real: a token is fetched, and the provider is asked where it has an address for that.</Text>}
          <InUse rows={inUse} />
          {left.length > 0 && (
            <Text size="sm">
              Left out:{' '}
              {left.slice(0, 8).map(({ credential, why }, index) => (
                <span key={credential.id}>
                  {index > 0 && ', '}
                  <bdi>{credential.name}</bdi> {why}
                </span>
              ))}
              {left.length > 8 && `, and ${left.length - 8} more`}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(null)}>
              Cancel
            </Button>
            <Button
              disabled={fit.length === 0 || (asking === 'tag' && tags.length === 0)}
              onClick={() => asking !== null && void start(asking)}
              data-autofocus={asking === 'tag' ? undefined : true}
            >
              {asking === null ? '' : buttons[asking]}
            </Button>
          </Group>
        </Stack>
      </Modal>
      <Modal
        opened={run !== null}
        onClose={() => {
          setRun(null)
          onDone()
        }}
        title={run === null ? '' : `${run.results.length} of ${run.total} done`}
      >
        {run !== null && (
          <Stack aria-live="polite">
            <Progress value={(100 * run.results.length) / run.total} aria-label="Progress" />
            <List size="sm">
              {run.results.map(({ credential, ok, message }) => (
                <List.Item key={credential.id} icon={<span aria-hidden>{ok ? '✓' : '✗'}</span>}>
                  <bdi>{credential.name}</bdi>: {message}
                </List.Item>
              ))}
            </List>
          </Stack>
        )}
      </Modal>
    </>
  )
}

const questions: Record<Work, (count: number) => string> = {
  test: (count) => `Test ${countOf(count)}?`,
  pause: (count) => `Pause ${countOf(count)}?`,
  resume: (count) => `Resume ${countOf(count)}?`,
  tag: (count) => `Tag ${countOf(count)}`,
  delete: (count) => `Delete ${countOf(count)}?`,
}

const buttons: Record<Work, string> = { test: 'Test', pause: 'Pause', resume: 'Resume', tag: 'Add', delete: 'Delete' }

/** Which of them automations use, and which automations. */
function InUse({ rows }: { rows: Credential[] }) {
  if (rows.length === 0) return null
  return (
    <>
      <Text size="sm" fw={600}>
        {rows.length} of them {rows.length === 1 ? 'is' : 'are'} in use:
      </Text>
      <List size="sm">
        {rows.slice(0, 8).map((row) => (
          <List.Item key={row.id}>
            <bdi>{row.name}</bdi>, by <bdi>{usersOf(row).join(', ')}</bdi>
          </List.Item>
        ))}
      </List>
      {rows.length > 8 && <Text size="sm">and {rows.length - 8} more</Text>}
    </>
  )
}
