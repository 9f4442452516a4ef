import { Button, Group, List, Text } from '@mantine/core'
import { KeybearerError } from '@keybearer/client'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Notice } from '../elements/notice.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { stepOfField, type StepName } from './draft-errors.ts'
import { labelOfField } from './field-labels.ts'
import { serverErrors } from './server-errors.ts'

type Props = { error: unknown; step: StepName; onStep: (step: StepName) => void }

/** What the service refused: named by the fields as they stand on the page, also those of another step. */
export function Refusal({ error, step, onStep }: Props) {
  const fields = Object.entries(serverErrors(error))
  const all = error instanceof KeybearerError ? (error.problem?.errors?.length ?? 0) : 0
  if (fields.length === 0 || (error instanceof KeybearerError && error.code === 'invalid_request' && fields.length < all))
    return <ProblemNotice error={error} />
  const elsewhere = [...new Set(fields.map(([field]) => stepOfField(field)))].filter((one) => one !== step)
  return (
    <Notice role="alert" color="red" icon={<IconAlertTriangle aria-hidden />} title="Something has to be corrected first">
      <List size="sm">
        {fields.map(([field, message]) => (
          <List.Item key={field}>
            <b>{labelOfField(field)}</b>: {message}
          </List.Item>
        ))}
      </List>
      <Text size="sm" mt={4}>
        Nothing was saved, and nothing you typed is lost.
      </Text>
      {elsewhere.length > 0 && (
        <Group mt="sm">
          {elsewhere.map((one) => (
            <Button key={one} size="compact-sm" variant="default" onClick={() => onStep(one)}>
              Go to that field
            </Button>
          ))}
        </Group>
      )}
    </Notice>
  )
}
