import { Anchor, Button, Grid, Group, Menu, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { Action } from '@keybearer/client'
import { IconDots, IconPlayerPlay } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useLocation, useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { api, isNotFound } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { useAddressFilter } from '../elements/address-filter.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { Facts } from '../elements/facts.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { ActionTriggers } from './action-triggers.tsx'
import { failureWords, onErrorLines } from './action-sentences.ts'
import { kindWords } from './action-words.ts'
import { Used } from './actions-page.tsx'
import { DeleteAction } from './delete-action.tsx'
import { ManagersOnly } from './managers-only.tsx'
import { valuesOf } from './action-values.ts'
import { OneRunDrawer } from './one-run-drawer.tsx'
import { PreviewDrawer } from './preview-drawer.tsx'
import { RunDrawer } from './run-drawer.tsx'
import { RunList } from './run-list.tsx'
import { usePausing } from './use-pausing.ts'

/** One action: what it does, what is done when it fails, and all its runs. */
export function ActionPage() {
  const { action: ref } = useParams({ from: '/inside/actions/$action' })
  const mayManage = useMay('manager')
  const found = useQuery({ queryKey: ['actions', 'one', ref], queryFn: () => api.getAction({ params: { action: ref } }), enabled: mayManage })
  if (!mayManage) return <ManagersOnly title="Action" />
  // What somebody deleted meanwhile is not shown as if it were there.
  const action = isNotFound(found.error) ? undefined : found.data
  if (action !== undefined) return <Known key={action.id} action={action} />
  if (!found.isError) {
    return (
      <>
        <PageHead title="Action" />
        <Skeleton h={320} />
      </>
    )
  }
  return (
    <Stack>
      <PageHead title={isNotFound(found.error) ? 'There is no such action' : 'Action'} />
      <ProblemNotice error={found.error} />
      <Button component={Link} to="/actions" variant="default" w="fit-content">
        To the actions
      </Button>
    </Stack>
  )
}

const empty = { status: '', run: '' }

function Known({ action }: { action: Action }) {
  const [filter, change] = useAddressFilter(empty)
  const [open, setOpen] = useState<'run' | 'preview' | 'delete' | null>(null)
  const pausing = usePausing()
  const navigate = useNavigate()
  const hash = useLocation({ select: (location) => location.hash })
  useEffect(() => {
    // Quick find leads here with "run NAME".
    if (hash !== 'run') return
    setOpen('run')
    void navigate({ to: '.', hash: '', search: true, replace: true })
  }, [hash])
  return (
    <Stack gap="lg">
      <PageHead
        title={action.name}
        actions={
          <>
            <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => setOpen('run')} disabled={action.paused}>
              Run now
            </Button>
            <Button variant="default" component={Link} to="/actions/$action/edit" params={{ action: action.id } as never}>
              Edit
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" px={10} aria-label="What else can be done">
                  <IconDots size={18} aria-hidden />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => setOpen('preview')}>Preview</Menu.Item>
                <Menu.Item onClick={() => void navigate({ to: '/actions/new', search: { copy: action.id } as never })}>Duplicate</Menu.Item>
                <Menu.Item onClick={() => pausing.mutate(action)}>{action.paused ? 'Switch it on' : 'Pause'}</Menu.Item>
                <Menu.Divider />
                <Menu.Item color="red" c="var(--mantine-color-error)" onClick={() => setOpen('delete')}>
                  Delete
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        }
      >
        {action.description === '' ? `${kindWords[action.kind]}.` : action.description}
      </PageHead>
      <ProblemNotice error={pausing.error} />
      {action.paused && (
        <MessageBox tone="warning" role="status" title="It is paused">
          <Text size="sm">Nobody can run it, and nothing that leads to it gets past it.</Text>
          <Button size="compact-sm" variant="default" mt="xs" loading={pausing.isPending} onClick={() => pausing.mutate(action)}>
            Switch it on
          </Button>
        </MessageBox>
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack gap="lg">
            <Paper withBorder p="md">
              <Title order={2} mb="xs">
                What it does
              </Title>
              <WhatItDoes action={action} />
            </Paper>
            <ActionTriggers action={action} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Paper withBorder p="md">
            <Title order={2} mb="xs">
              Runs
            </Title>
            <RunList action={action.id} status={filter.status} onStatus={(status) => change({ status })} onOpen={(run) => change({ run })} />
          </Paper>
        </Grid.Col>
      </Grid>
      <CopyField label="The same on the command line" value={commandOf(action)} />
      <PreviewDrawer values={valuesOf(action)} opened={open === 'preview'} onClose={() => setOpen(null)} />
      <RunDrawer action={open === 'run' ? action : null} onClose={() => setOpen(null)} />
      <OneRunDrawer id={filter.run} onClose={() => change({ run: '' })} />
      <DeleteAction action={open === 'delete' ? action : null} onClose={() => setOpen(null)} onDeleted={() => void navigate({ to: '/actions' })} />
    </Stack>
  )
}

const quoted = (text: string): string => (/^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** The command that runs it, with the names of its input. */
function commandOf({ name, inputs }: Action): string {
  if (inputs.length === 0) return `keybearer action run ${quoted(name)}`
  return `echo ${quoted(JSON.stringify(Object.fromEntries(inputs.map((input) => [input, '…']))))} | keybearer action run ${quoted(name)} --input -`
}

function WhatItDoes({ action }: { action: Action }) {
  const { email, request } = action
  const rows: [string, React.ReactNode][] = [
    ['Kind', kindWords[action.kind]],
    ['Uses', <Used key="used" action={action} />],
  ]
  if (email != null) {
    rows.push(
      ['From', email.from === null ? null : <bdi key="from">{email.from}</bdi>],
      ['To', <Texts key="to" texts={email.to} />],
      ['Cc', email.cc.length === 0 ? null : <Texts key="cc" texts={email.cc} />],
      ['Bcc', email.bcc.length === 0 ? null : <Texts key="bcc" texts={email.bcc} />],
      ['Subject', <Texts key="subject" texts={[email.subject]} />],
      ['Attachments', email.attachments.length === 0 ? null : <Texts key="files" texts={email.attachments.map((file) => file.filename)} />],
      ['Has succeeded', email.until === 'sent' ? 'when a mail server has taken it' : 'when it is in the outbox'],
    )
  }
  if (request != null) rows.push(['Request', <Texts key="url" texts={[`${request.method} ${request.url}`]} />])
  rows.push(
    ['Input', action.inputs.length === 0 ? 'None' : action.inputs.join(', ')],
    ['A failure is', action.failure === undefined ? null : failureWords(action.failure)],
    [
      'On a failure',
      action.on_error === undefined ? null : (
        <Stack key="on-error" gap={2}>
          {onErrorLines(action.on_error).map((line) => (
            <span key={line}>{line}</span>
          ))}
        </Stack>
      ),
    ],
    [
      'After a success',
      action.next == null ? null : (
        <Anchor key="next" component={Link} to="/actions/$action" params={{ action: action.next.id } as never} size="sm">
          <bdi>{action.next.name}</bdi>
        </Anchor>
      ),
    ],
    ['Made', <RelativeTime key="made" at={action.created_at} />],
    ['Changed', <RelativeTime key="changed" at={action.updated_at} />],
  )
  return <Facts label="What it does" rows={rows} />
}

/** Texts with their variables, as they are saved. */
function Texts({ texts }: { texts: readonly string[] }) {
  return (
    <Group gap={4}>
      {texts.map((text) => (
        <bdi key={text} className="mono">
          {text}
        </bdi>
      ))}
    </Group>
  )
}
