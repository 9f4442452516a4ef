import { Alert, Box, Group, List, Text } from '@mantine/core'
import { KeybearerError } from '@keybearer/client'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { CopyDetails } from './copy-details.tsx'

/** Everything that may be told of a problem when somebody asks for help: never a secret. */
function problemDetails(error: unknown): object {
  if (error instanceof KeybearerError) return error.problem ?? { code: error.code, detail: error.message, next_step: error.nextStep, status: error.status }
  return { error: error instanceof Error ? error.message : String(error) }
}

const atFields = 'Correct the fields that are marked, and try again. What you typed is still there.'
const listed = 'Correct what is named here, and try again.'

type Props = { error: unknown; title?: string; action?: ReactNode; /** Fields that stand elsewhere on the page with their own message. */ hideFields?: boolean }

/** Shows what went wrong, in plain words, with the next step, and lets the person copy the details. */
export function ProblemNotice({ error, title, action, hideFields = false }: Props) {
  if (error === null || error === undefined) return null
  const known = error instanceof KeybearerError ? error : null
  const mistakes = known?.problem?.errors ?? []
  const fields = hideFields ? [] : mistakes
  // The next step of the API names a field of its answer; on the page the mistakes stand in sight.
  const nextStep = mistakes.length > 0 && known?.nextStep?.includes('"errors"') === true ? (hideFields ? atFields : listed) : known?.nextStep
  return (
    <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title ?? known?.problem?.title ?? 'That did not work'}>
      <Text size="sm">{known?.message ?? 'The page made a mistake. Load it again; nothing was lost at the service.'}</Text>
      {fields.length > 0 && (
        <List size="sm" mt={4}>
          {fields.map((field) => (
            <List.Item key={`${field.path}${field.message}`}>
              <b>{field.path}</b> {field.message}
            </List.Item>
          ))}
        </List>
      )}
      {known !== null && (
        <Text size="sm" mt={6} fw={600}>
          {nextStep}
        </Text>
      )}
      {known?.problem?.diagnosis !== undefined && (
        <Box mt="sm">
          <DiagnosisWords diagnosis={known.problem.diagnosis} />
        </Box>
      )}
      <Group mt="sm" gap="xs">
        {action}
        <CopyDetails details={problemDetails(error)} />
      </Group>
    </Alert>
  )
}

/** Gives the messages of a refused request to the form fields they belong to. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof KeybearerError)) return {}
  return Object.fromEntries((error.problem?.errors ?? []).map((one) => [one.path.replace(/^body\./, ''), one.message]))
}
