import { Button, Group, Paper, Select, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { MailOptions } from '@keybearer/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { FormProblem } from '../elements/form-problem.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { fieldErrors, ProblemNotice } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { draftOf, isSame, type Draft } from './draft.ts'
import { FallbackList } from './fallback-list.tsx'
import { NotifyFields } from './notify-fields.tsx'
import { WebhooksPart } from './webhooks-part.tsx'

/** The default of all outgoing mail, what stands in for it, and who is told when something needs a person. */
export function EmailOptionsPage() {
  const options = useQuery({ queryKey: ['mail-options'], queryFn: () => api.getMailOptions() })
  const senders = useQuery({ queryKey: ['senders'], queryFn: () => api.listSenders() })
  return (
    <>
      <PageHead title="Email options">
        The default for all outgoing mail, what stands in for it when it fails, and who is told when something needs a person.
      </PageHead>
      <ProblemNotice error={options.error ?? senders.error} />
      {(options.isPending || senders.isPending) && <Skeleton h={320} />}
      {senders.data !== undefined && senders.data.items.length === 0 && (
        <EmptyState
          title="No senders yet"
          command="keybearer sender options --default office"
          action={
            <Button component={Link} to="/senders" w="fit-content">
              Make the first sender
            </Button>
          }
        >
          A sender says through which server mail goes, and with which credential. Once there is one, it can be made the default here.
        </EmptyState>
      )}
      {options.data !== undefined && senders.data !== undefined && senders.data.items.length > 0 && (
        <OptionsForm saved={options.data} senders={senders.data.items.map((sender) => ({ value: sender.id, label: sender.name }))} />
      )}
      <Stack maw={760} mt="lg">
        <Part
          title="Webhooks"
          text="Programs that are told the same at once, by messages that are signed as Standard Webhooks says. What is done here counts at once."
        >
          <WebhooksPart />
        </Part>
      </Stack>
    </>
  )
}

function OptionsForm({ saved, senders }: { saved: MailOptions; senders: { value: string; label: string }[] }) {
  const [base, setBase] = useState(() => draftOf(saved))
  const [draft, setDraft] = useState<Draft>(base)
  const now = draftOf(saved)
  const isChanged = !isSame(draft, base)
  const isElsewhere = !isSame(now, base)
  // What nobody has touched here follows the service by itself.
  if (isElsewhere && (!isChanged || isSame(draft, now))) {
    setBase(now)
    setDraft(now)
  }
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const save = useMutation({
    mutationFn: () =>
      api.setMailOptions({
        body: {
          default_sender: draft.default_sender,
          fallbacks: draft.fallbacks.map(({ sender, when }) => ({ sender, when })),
          notify: { to: draft.to, events: draft.events, daily: draft.daily, reminders: draft.reminders },
        },
      }),
    onSuccess: (answer) => {
      queryClient.setQueryData(['mail-options'], answer)
      void queryClient.invalidateQueries({ queryKey: ['senders'] })
      setBase(draftOf(answer))
      setDraft(draftOf(answer))
      tell('The email options are saved.')
    },
  })
  const errors = fieldErrors(save.error)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="lg" maw={760}>
        <Part title="Default sender" text="Mail that names no sender goes through this one.">
          <Select
            aria-label="Default sender"
            placeholder="None: such mail is refused"
            data={senders}
            value={draft.default_sender}
            onChange={(value) => change({ default_sender: value, fallbacks: draft.fallbacks.filter((fallback) => fallback.sender !== value) })}
            error={errors.default_sender}
            clearable
            clearButtonProps={{ 'aria-label': 'No default sender' }}
            maw={420}
          />
        </Part>
        <Part
          title="When it cannot send"
          text="These stand in for the default sender, the first that works. A message that names another sender goes through that one or not at all."
        >
          <FallbackList
            fallbacks={draft.fallbacks}
            senders={senders.filter((sender) => sender.value !== draft.default_sender)}
            hasDefault={draft.default_sender !== null}
            errors={errors}
            onChange={(fallbacks) => change({ fallbacks })}
          />
        </Part>
        <Part
          title="Who is told by mail"
          text="So that somebody acts before an automation fails. These mails go through the default sender, or through the first stand-in whose own credential works, and say so."
        >
          <NotifyFields draft={draft} errors={errors} onChange={change} />
        </Part>
        {isElsewhere && isChanged && (
          <MessageBox tone="warning" title="Somebody changed the email options meanwhile" role="alert">
            <Text size="sm">Saving replaces what was saved there by what you see here.</Text>
            <Button
              size="compact-sm"
              variant="default"
              mt="xs"
              onClick={() => {
                setBase(now)
                setDraft(now)
              }}
            >
              Drop mine, show theirs
            </Button>
          </MessageBox>
        )}
        <FormProblem error={save.error} fields={['default_sender', 'fallbacks', 'notify']} />
        <Group>
          <Button type="submit" loading={save.isPending} disabled={!isChanged}>
            Save
          </Button>
          {isChanged && (
            <Button variant="default" onClick={() => setDraft(base)}>
              Undo
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}

function Part({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2}>{title}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {text}
      </Text>
      {children}
    </Paper>
  )
}
