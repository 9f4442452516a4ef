import { Box, Button, Group, List, Modal, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core'
import type { Credential, TestReport } from '@keybearer/client'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../api/client.ts'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { queryClient } from '../api/query-client.ts'
import { ExaminationSteps } from './examination-steps.tsx'
import { CopyDetails } from '../elements/copy-details.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'

/** Tries a credential for real and shows step by step what worked. */
export function TestResult({ credential, onClose }: { credential: Credential | null; onClose: () => void }) {
  const test = useQuery({
    queryKey: ['test', credential?.id],
    queryFn: async () => {
      const report = await api.testCredential({ params: { credential: credential!.id } })
      // A test makes no event, but stands in the time line.
      void queryClient.invalidateQueries({ queryKey: ['credential-use', credential!.id] })
      return report
    },
    enabled: credential !== null,
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  })
  const [closer, setCloser] = useState(false)
  useEffect(() => setCloser(false), [credential?.id])
  return (
    <Modal opened={credential !== null} onClose={onClose} size="lg" title={`Test of “${credential?.name ?? ''}”`}>
      <Stack aria-live="polite">
        {test.isFetching && (
          <>
            <Text size="sm">Trying it for real …</Text>
            <Skeleton h={64} />
          </>
        )}
        {!test.isFetching && <ProblemNotice error={test.error} />}
        {!test.isFetching && test.data !== undefined && !closer && <TestSteps report={test.data} />}
        {closer && credential !== null && <ExaminationSteps credential={credential} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => void test.refetch()} disabled={test.isFetching}>
            Again
          </Button>
          <Button variant="default" onClick={() => setCloser(true)} disabled={closer || test.isFetching}>
            Look closer
          </Button>
          <Button onClick={onClose}>Close</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

export function TestSteps({ report }: { report: TestReport }) {
  return (
    <>
      <Text fw={600}>{report.ok ? 'It works.' : 'It does not work yet.'}</Text>
      <List spacing="xs" size="sm" center={false} styles={{ itemWrapper: { alignItems: 'flex-start' } }}>
        {report.steps.map((step) => (
          <List.Item
            key={step.name}
            icon={
              <ThemeIcon size={20} radius="xl" color={step.ok ? 'teal' : 'red'} aria-label={step.ok ? 'passed' : 'failed'} role="img">
                {step.ok ? <IconCheck size={14} aria-hidden /> : <IconX size={14} aria-hidden />}
              </ThemeIcon>
            }
          >
            <b>{step.name}</b>: {step.message}
            {step.next_step !== null && <Text size="sm">{step.next_step}</Text>}
            {step.diagnosis !== null && (
              <Box mt="xs">
                <DiagnosisWords diagnosis={step.diagnosis} />
              </Box>
            )}
          </List.Item>
        ))}
      </List>
      {!report.ok && <CopyDetails details={report} />}
    </>
  )
}
