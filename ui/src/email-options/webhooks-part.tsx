import { ActionIcon, Button, Group, Menu, Skeleton, Stack, Text } from '@mantine/core'
import type { MadeWebhook, Webhook } from '@keybearer/client'
import { IconDots, IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, etag } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { noticeChoices } from './notice-words.ts'
import { WebhookDrawer, WebhookSecret } from './webhook-drawer.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

type Open = { what: 'edit' | 'delete' | 'renew'; webhook: Webhook } | { what: 'new' } | null

const refresh = () => queryClient.invalidateQueries({ queryKey: ['webhooks'] })

/** The programs that are told what needs a person. */
export function WebhooksPart() {
  const [open, setOpen] = useState<Open>(null)
  const [made, setMade] = useState<MadeWebhook | null>(null)
  const list = useQuery({ queryKey: ['webhooks'], queryFn: () => api.listWebhooks() })
  const rows = list.data?.items ?? []
  const test = useMutation({ mutationFn: async (webhook: Webhook) => ({ webhook, ...(await api.testWebhook({ params: { webhook: webhook.id }, body: {} })) }) })
  const flip = useMutation({
    mutationFn: (webhook: Webhook) =>
      withFreshSignIn(() => api.changeWebhook({ params: { webhook: webhook.id }, body: { enabled: !webhook.enabled }, ifMatch: etag(webhook.revision) })),
    onSuccess: (webhook) => {
      tell(`“${webhook.name}” is switched ${webhook.enabled ? 'on' : 'off'}.`)
      void refresh()
    },
  })
  const columns: Column<Webhook>[] = [
    {
      title: 'Name',
      cell: (row) => (
        <div>
          <Text size="sm" fw={600}>
            <bdi>{row.name}</bdi>
          </Text>
          <Text size="xs" c="dimmed" className="mono">
            {row.origin}
          </Text>
        </div>
      ),
    },
    { title: 'State', cell: (row) => <State webhook={row} /> },
    {
      title: 'Told of',
      cell: (row) => (
        <Text size="sm" span>
          {row.events.length === noticeChoices.length
            ? 'everything'
            : row.events.map((event) => noticeChoices.find((one) => one.value === event)?.label).join('; ')}
        </Text>
      ),
    },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 190,
      cell: (row) => (
        <Group gap={6} wrap="nowrap" justify="flex-end">
          <Button
            size="compact-sm"
            variant="default"
            loading={test.isPending && test.variables.id === row.id}
            onClick={() => test.mutate(row)}
            aria-label={`Send a test: ${row.name}`}
          >
            Send a test
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${row.name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setOpen({ what: 'edit', webhook: row })}>Edit</Menu.Item>
              <Menu.Item onClick={() => flip.mutate(row)}>{row.enabled ? 'Switch off' : 'Switch on'}</Menu.Item>
              <Menu.Item onClick={() => setOpen({ what: 'renew', webhook: row })}>New secret</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" c="var(--mantine-color-error)" onClick={() => setOpen({ what: 'delete', webhook: row })}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ]
  return (
    <Stack gap="sm">
      <ProblemNotice error={list.error ?? flip.error ?? test.error} />
      {list.isPending && <Skeleton h={60} />}
      {list.data !== undefined && rows.length === 0 && <Text size="sm">No program is told.</Text>}
      {rows.length > 0 && <ListTable label="Webhooks" columns={columns} rows={rows} rowKey={(row) => row.id} isDimmed={(row) => !row.enabled} />}
      <div aria-live="polite">
        {test.data !== undefined && !test.isPending && (
          <MessageBox
            tone={test.data.ok ? 'good' : 'bad'}
            title={test.data.ok ? `“${test.data.webhook.name}” has taken the test` : `“${test.data.webhook.name}” did not take the test`}
          >
            <Text size="sm">
              {test.data.message} {test.data.ok && `It took ${test.data.milliseconds} ms.`}
            </Text>
          </MessageBox>
        )}
      </div>
      <Button variant="default" size="xs" w="fit-content" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setOpen({ what: 'new' })}>
        New webhook
      </Button>
      <WebhookDrawer
        webhook={open?.what === 'edit' ? open.webhook : null}
        opened={open?.what === 'edit' || open?.what === 'new'}
        onClose={() => setOpen(null)}
        onMade={setMade}
      />
      <WebhookSecret made={made} onKept={() => setMade(null)} />
      <TypeToConfirm
        opened={open?.what === 'renew'}
        onClose={() => setOpen(null)}
        title={`A new secret for “${open?.what === 'renew' ? open.webhook.name : ''}”?`}
        word=""
        button="Make a new secret"
        onConfirm={async () => {
          if (open?.what !== 'renew') return
          const { id } = open.webhook
          setMade(await withFreshSignIn(() => api.renewWebhookSecret({ params: { webhook: id }, body: {} })))
          await refresh()
        }}
      >
        <Text size="sm">For a day messages are signed with both, the old one and the new one. Until then the receiver must know the new one.</Text>
      </TypeToConfirm>
      <TypeToConfirm
        opened={open?.what === 'delete'}
        onClose={() => setOpen(null)}
        title={`Delete “${open?.what === 'delete' ? open.webhook.name : ''}”?`}
        word=""
        button="Delete"
        onConfirm={async () => {
          if (open?.what !== 'delete') return
          await api.deleteWebhook({ params: { webhook: open.webhook.id } })
          tell(`“${open.webhook.name}” is deleted.`)
          await refresh()
        }}
      >
        <Text size="sm">The program behind it is no longer told, also not of what is on its way.</Text>
      </TypeToConfirm>
    </Stack>
  )
}

function State({ webhook }: { webhook: Webhook }) {
  if (!webhook.enabled) {
    return (
      <div>
        <Mark color="gray" sign="‖">
          Off
        </Mark>
        {webhook.disabled_reason !== null && <Text size="xs">{webhook.disabled_reason}</Text>}
      </div>
    )
  }
  if (webhook.failing_since !== null) {
    return (
      <div>
        <Mark color="orange" sign="▲">
          Failing
        </Mark>
        <Text size="xs">
          Since <RelativeTime at={webhook.failing_since} />. {webhook.last_error}
        </Text>
      </div>
    )
  }
  return (
    <div>
      <Mark color="teal" sign="●">
        On
      </Mark>
      {webhook.last_success_at !== null && (
        <Text size="xs" c="dimmed">
          told <RelativeTime at={webhook.last_success_at} />
        </Text>
      )}
    </div>
  )
}
