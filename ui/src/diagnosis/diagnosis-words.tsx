import { Anchor, List, Stack, Text } from '@mantine/core'
import type { Diagnosis } from '@keybearer/client'
import { IconExternalLink } from '@tabler/icons-react'

const actors: Record<Diagnosis['who'], string> = {
  you: 'What to do',
  owner: "What the account's owner has to do",
  admin: 'What an administrator of the account’s organization has to do',
  nobody: 'What happens now',
}

type Props = {
  diagnosis: Omit<Diagnosis, 'id' | 'retry' | 'source' | 'action'> & { source: string | null }
  /** Left out where the title stands above already. */ withTitle?: boolean
}

/** What a failure means, why probably, and what to do step by step. The words are Keybearer's own; only the values come from elsewhere. */
export function DiagnosisWords({ diagnosis, withTitle = true }: Props) {
  return (
    <Stack gap="xs" style={{ overflowWrap: 'anywhere' }}>
      <Text size="sm">
        {withTitle && <b>{diagnosis.title}. </b>}
        {diagnosis.meaning}
      </Text>
      {diagnosis.causes.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            Likely causes
          </Text>
          <List size="sm">
            {diagnosis.causes.map((cause) => (
              <List.Item key={cause}>{cause}</List.Item>
            ))}
          </List>
        </div>
      )}
      {diagnosis.fix.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {actors[diagnosis.who]}
          </Text>
          <List size="sm" type="ordered">
            {diagnosis.fix.map((step) => (
              <List.Item key={step}>{step}</List.Item>
            ))}
          </List>
        </div>
      )}
      {diagnosis.source !== null && diagnosis.source.startsWith('https://') && (
        <Anchor href={diagnosis.source} target="_blank" rel="noreferrer" size="sm" w="fit-content">
          Where this is written <IconExternalLink size={14} aria-label="(opens a new tab)" style={{ verticalAlign: '-2px' }} />
        </Anchor>
      )}
    </Stack>
  )
}
