import { List, Skeleton, Text, ThemeIcon } from '@mantine/core'
import type { Credential, Examination } from '@keybearer/client'
import { IconAlertTriangle, IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'

type Outcome = Examination['steps'][number]['outcome']

const marks: Record<Outcome, { color: string; word: string; Icon: typeof IconCheck }> = {
  ok: { color: 'teal', word: 'passed', Icon: IconCheck },
  warning: { color: 'orange', word: 'look at this', Icon: IconAlertTriangle },
  failed: { color: 'red', word: 'failed', Icon: IconX },
  skipped: { color: 'gray', word: 'not looked at', Icon: IconMinus },
}

/** Goes through a credential from the outside in: what was looked at, what failed, and what to do. */
export function ExaminationSteps({ credential }: { credential: Credential }) {
  const examination = useQuery({
    queryKey: ['examination', credential.id],
    queryFn: () => api.examineCredential({ params: { credential: credential.id } }),
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  })
  if (examination.isFetching) return <Skeleton h={160} />
  if (examination.data === undefined) return <ProblemNotice error={examination.error} />
  return (
    <List
      spacing="xs"
      size="sm"
      center={false}
      aria-label="From the outside in"
      styles={{ itemWrapper: { alignItems: 'flex-start' }, itemLabel: { overflowWrap: 'anywhere', minWidth: 0 } }}
    >
      {examination.data.steps.map((step) => {
        const { color, word, Icon } = marks[step.outcome]
        return (
          <List.Item
            key={step.name}
            icon={
              <ThemeIcon size={20} radius="xl" color={color} aria-label={word} role="img">
                <Icon size={14} aria-hidden />
              </ThemeIcon>
            }
          >
            <b>{step.name}</b>: {step.message}
            {step.next_step !== null && step.next_step !== step.diagnosis?.fix[0] && <Text size="sm">{step.next_step}</Text>}
            {step.diagnosis !== null && <DiagnosisWords diagnosis={step.diagnosis} />}
          </List.Item>
        )
      })}
    </List>
  )
}
