import { Button, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { CopyIcon } from '../elements/copy-field.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'

/** Checks at the service whether every record still fits to the one before it. */
export function Verification() {
  const verify = useMutation({ mutationFn: () => api.verifyAudit() })
  const result = verify.data
  return (
    <div aria-live="polite">
      <Group gap="sm" mb="md">
        <Button size="xs" variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>
          Verify the trail
        </Button>
        <Text size="sm" c="dimmed">
          {verify.isPending ? 'Every record is checked …' : 'Checks that no record was changed, removed or put in.'}
        </Text>
      </Group>
      <ProblemNotice error={verify.error} />
      {result !== undefined && !verify.isPending && (
        <MessageBox
          tone={result.ok ? 'good' : 'bad'}
          mb="md"
          title={result.ok ? `All ${result.records.toLocaleString()} records fit together` : `Record ${result.first_bad ?? '?'} does not fit`}
          withCloseButton
          closeButtonLabel="Close"
          onClose={() => verify.reset()}
        >
          {result.ok ? (
            <Group gap={6}>
              <Text size="sm">
                The last one is <span className="mono">{result.head ?? 'none'}</span>. Kept elsewhere, it proves later that nothing before it was changed.
              </Text>
              {result.head !== null && <CopyIcon value={result.head} label="Copy the last hash" />}
            </Group>
          ) : (
            <Text size="sm">{result.what}. Compare with a backup: somebody changed the database, or it was damaged.</Text>
          )}
        </MessageBox>
      )}
    </div>
  )
}
