import { Button, Group, Input, Paper, SegmentedControl, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import type { Action } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useRef, useState, type ReactNode } from 'react'
import { api, etag, isConflict } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ConflictNotice } from '../elements/conflict-notice.tsx'
import { focusFirstMistake } from '../elements/first-mistake.ts'
import { formErrors } from '../elements/form-errors.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { useIdempotencyKey } from '../elements/idempotency.ts'
import { LeaveQuestion } from '../elements/leave-question.tsx'
import { tell } from '../elements/tell.ts'
import { changeOf, differencesOf, isUnchanged, takeNewer } from './action-changes.ts'
import { ActionSelect } from './action-select.tsx'
import { requestOf, valuesOf, type ActionValues } from './action-values.ts'
import { kindWords, type ActionKind } from './action-words.ts'
import { EmailFields } from './email-fields.tsx'
import { FailureFields } from './failure-fields.tsx'
import { mistakeAt, withoutMistakesAt } from './field-mistakes.ts'
import { OnErrorFields } from './on-error-fields.tsx'
import { PreviewDrawer } from './preview-drawer.tsx'
import { RequestFields } from './request-fields.tsx'
import { unreadyOf } from './unready.ts'
import { VariableHelp } from './variable-help.tsx'

const kinds = (Object.keys(kindWords) as ActionKind[]).map((value) => ({ value, label: kindWords[value] }))

type Props = {
  /** The action to change, as it is now; null: a new one is made. */
  action: Action | null
  /** What a new one begins with. */
  initial: ActionValues
}

/** Makes an action, or changes one. What is wrong with a text stands at the field that has it. */
export function ActionForm({ action, initial }: Props) {
  const [base, setBase] = useState(action)
  const [start, setStart] = useState(initial)
  const [values, setValues] = useState(initial)
  const [mistakes, setMistakes] = useState<Readonly<Record<string, string>>>({})
  const [isPreviewing, setPreviewing] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const leaving = useRef(false)
  const navigate = useNavigate()
  const keyOf = useIdempotencyKey()
  const save = useMutation({
    mutationFn: () => {
      const body = requestOf(values)
      return base === null
        ? api.createAction({ body, idempotencyKey: keyOf(body) })
        : api.changeAction({ params: { action: base.id }, body: changeOf(base, values), ifMatch: etag(base.revision) })
    },
    onSuccess: (saved) => {
      leaving.current = true
      queryClient.setQueryData(['actions', 'one', saved.id], saved)
      void queryClient.invalidateQueries({ queryKey: ['actions'] })
      tell(`“${saved.name}” is saved.`)
      void navigate({ to: '/actions/$action', params: { action: saved.id } as never })
    },
    onError: (error) => {
      setMistakes(formErrors(error))
      if (isConflict(error)) void queryClient.invalidateQueries({ queryKey: ['actions', 'one'] })
    },
  })
  const set = (next: ActionValues, path: string) => {
    setValues(next)
    setMistakes((before) => withoutMistakesAt(before, path))
  }
  const part = <Name extends 'email' | 'request' | 'failure' | 'on_error'>(name: Name) => ({
    values: values[name],
    change: (some: Partial<ActionValues[Name]>) => {
      setValues((before) => ({ ...before, [name]: { ...before[name], ...some } }))
      setMistakes((before) => Object.keys(some).reduce((left, field) => withoutMistakesAt(left, pathOf[`${name}.${field}`] ?? `${name}.${field}`), before))
    },
    errorAt: (path: string, list?: readonly string[]) => mistakeAt(mistakes, `${name}.${path}`, list),
  })
  // Nothing is said of fields any more that were all changed since.
  const isMended = Object.keys(formErrors(save.error)).length > 0 && Object.keys(mistakes).length === 0
  const submit = () => {
    const unready = unreadyOf(values)
    setMistakes(unready)
    if (Object.keys(unready).length === 0) return save.mutate()
    save.reset()
    requestAnimationFrame(() => focusFirstMistake(form.current))
  }
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Stack gap="lg" maw={820}>
        <Section>
          {base === null && (
            <Input.Wrapper label="What it does" labelElement="div" labelProps={{ id: 'action-kind' }}>
              <SegmentedControl
                aria-labelledby="action-kind"
                fullWidth
                mt={4}
                data={kinds}
                value={values.kind}
                onChange={(kind) => setValues({ ...values, kind, failure: { anything: true, statuses: [], codes: [] } })}
              />
            </Input.Wrapper>
          )}
          <TextInput
            label="Name"
            description="How people and programs run it"
            placeholder={values.kind === 'send_email' ? 'daily-report' : 'open-ticket'}
            value={values.name}
            onChange={(event) => set({ ...values, name: event.currentTarget.value }, 'name')}
            error={mistakeAt(mistakes, 'name')}
            maxLength={200}
            required
            autoComplete="off"
            data-autofocus
          />
          <Textarea
            label="Description"
            value={values.description}
            onChange={(event) => set({ ...values, description: event.currentTarget.value }, 'description')}
            error={mistakeAt(mistakes, 'description')}
            autosize
            maxRows={6}
          />
        </Section>
        <Section title={values.kind === 'send_email' ? 'The mail' : 'The request'}>
          <VariableHelp />
          {values.kind === 'send_email' ? <EmailFields {...part('email')} /> : <RequestFields {...part('request')} />}
        </Section>
        <Section title="What counts as a failure">
          <FailureFields {...part('failure')} kind={values.kind} />
        </Section>
        <Section title="On a failure">
          <OnErrorFields {...part('on_error')} self={base?.id} />
        </Section>
        <Section title="After a success">
          <ActionSelect
            label="Go on with"
            description="An action that comes after this one, and gets what came of it as previous.…"
            placeholder="Nothing"
            value={values.next}
            onPick={(next) => set({ ...values, next }, 'next')}
            except={base?.id}
            error={mistakeAt(mistakes, 'next')}
            clearButtonProps={{ 'aria-label': 'Nothing' }}
          />
        </Section>
        {isConflict(save.error) && base !== null && action !== null ? (
          <ConflictNotice
            what="action"
            differences={differencesOf(base, action)}
            onTake={() => {
              const now = valuesOf(action)
              setValues(takeNewer(values, start, now))
              setStart(now)
              setBase(action)
              save.reset()
            }}
          />
        ) : (
          <FormProblem error={isMended ? null : save.error} fields={['name', 'description', 'email', 'request', 'failure', 'on_error', 'next']} />
        )}
        {Object.keys(mistakes).length > 0 && save.error === null && (
          <Text size="sm" role="alert">
            Not saved yet: something is marked above.
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" component={Link} to={base === null ? '/actions' : `/actions/${base.id}`}>
            Cancel
          </Button>
          <Button variant="default" onClick={() => setPreviewing(true)}>
            Preview
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
      <PreviewDrawer values={values} opened={isPreviewing} onClose={() => setPreviewing(false)} />
      <LeaveQuestion dirty={!isUnchanged(start, values)} leaving={leaving} />
    </form>
  )
}

/** Fields of the form whose values stand elsewhere in the request. */
const pathOf: Record<string, string> = {
  'request.bodyKind': 'request.body',
  'request.json': 'request.body.json',
  'request.text': 'request.body.text',
  'request.form': 'request.body.form',
  'request.pageNext': 'request.paging.next',
  'request.pageParameter': 'request.paging.parameter',
  'request.pageItems': 'request.paging.items',
  'request.max_pages': 'request.paging.max_pages',
  'on_error.report_to': 'on_error.report',
}

function Section({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack>
        {title !== undefined && <Title order={2}>{title}</Title>}
        {children}
      </Stack>
    </Paper>
  )
}
