import { Affix, Button, Group, List, Modal, Paper, Progress, Stack, TagsInput, Text, Transition } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, etag } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'

type Work = 'test' | 'pause' | 'resume' | 'tag' | 'delete'
type Result = { credential: Credential; ok: boolean; message: string }

const atOnce = 4

/** Does one thing with several credentials: says before what will happen, and afterwards how each went. */
export function BulkBar({ rows, onDone }: { rows: Credential[]; onDone: () => void }) {
  const navigate = useNavigate()
  const [asking, setAsking] = useState<'tag' | 'delete' | null>(null)
  const [tags, setTags] = useState<string[]>([])
  const [run, setRun] = useState<{ work: Work; total: number; results: Result[] } | null>(null)

  const start = async (work: Work) => {
    const chosen = [...rows]
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
  const inUse = rows.filter((row) => row.used_by.count > 0)
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
                <Button size="compact-sm" variant="default" onClick={() => void start('test')}>
                  Test
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => void start('pause')}>
                  Pause
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => void start('resume')}>
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
        title={`Delete ${rows.length} credentials?`}
        word={inUse.length > 0 ? `delete ${rows.length}` : ''}
        button="Delete"
        onConfirm={() => start('delete')}
      >
        <Text size="sm">Their secrets are removed here for good, and their tokens are taken back at the providers.</Text>
        {inUse.length > 0 && (
          <>
            <Text size="sm" fw={600}>
              {inUse.length} of them {inUse.length === 1 ? 'is' : 'are'} in use:
            </Text>
            <List size="sm">
              {inUse.slice(0, 8).map((row) => (
                <List.Item key={row.id}>
                  <bdi>{row.name}</bdi>, by <bdi>{row.used_by.items.map((one) => one.name).join(', ')}</bdi>
                </List.Item>
              ))}
            </List>
          </>
        )}
      </TypeToConfirm>
      <Modal opened={asking === 'tag'} onClose={() => setAsking(null)} title={`Tag ${rows.length} credentials`}>
        <Stack>
          <TagsInput label="Tags to add" value={tags} onChange={setTags} maxTags={20} data-autofocus />
          <Group justify="flex-end">
            <Button disabled={tags.length === 0} onClick={() => void start('tag')}>
              Add
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

async function doOne(work: Work, credential: Credential, tags: string[]): Promise<Result> {
  const params = { credential: credential.id }
  try {
    switch (work) {
      case 'test': {
        const report = await api.testCredential({ params })
        return { credential, ok: report.ok, message: report.ok ? 'works' : (report.steps.find((step) => !step.ok)?.message ?? 'does not work') }
      }
      case 'pause':
        await api.pauseCredential({ params })
        return { credential, ok: true, message: 'paused' }
      case 'resume':
        await api.resumeCredential({ params })
        return { credential, ok: true, message: 'resumed' }
      case 'tag':
        await api.changeCredential({ params, body: { tags: [...new Set([...credential.tags, ...tags])] }, ifMatch: etag(credential.revision) })
        return { credential, ok: true, message: 'tagged' }
      case 'delete': {
        const { revocation } = await api.deleteCredential({ params })
        return { credential, ok: true, message: `deleted. ${revocation.message}` }
      }
    }
  } catch (error) {
    return { credential, ok: false, message: error instanceof Error ? error.message : 'failed' }
  }
}
