import { Button, Group, List, Stack, Text } from '@mantine/core'
import type { Consent, Credential } from '@keybearer/client'
import { IconAlertTriangle, IconCheck, IconUserQuestion } from '@tabler/icons-react'
import { DiagnosisWords } from '../diagnosis/diagnosis-words.tsx'
import { CopyDetails } from '../elements/copy-details.tsx'
import { Notice } from '../elements/notice.tsx'
import type { ConsentAttempt, Way } from './consent-attempt.ts'

type Props = { consent: Consent; credential: Credential; attempt: ConsentAttempt; way: Way; onEditClient: () => void }

/** How an attempt ended: each end has its own words and its own button. */
export function ConsentEnd({ consent, credential, attempt, way, onEditClient }: Props) {
  if (consent.status === 'done') return <Connected credential={credential} />
  if (consent.problem?.code === 'account_mismatch') return <OtherAccount consent={consent} credential={credential} attempt={attempt} way={way} />
  const end = consent.status === 'expired' ? ends.consent_expired! : (ends[consent.problem?.code ?? ''] ?? otherEnd)
  return (
    <Notice role="alert" color={end.mild ? 'yellow' : 'red'} icon={<IconAlertTriangle aria-hidden />} title={end.title} maw={760}>
      <Stack gap="sm">
        <Text size="sm">{end.text}</Text>
        {consent.problem !== null && (
          <Text size="sm">
            <q>{consent.problem.detail}</q> {consent.problem.next_step}
          </Text>
        )}
        {consent.problem?.diagnosis != null && <DiagnosisWords diagnosis={consent.problem.diagnosis} />}
        <Group gap="sm">
          <Button size="xs" onClick={() => attempt.begin(way)} loading={attempt.starting}>
            {end.button}
          </Button>
          <Button size="xs" variant="default" onClick={() => attempt.forget()}>
            Another way
          </Button>
          {end.client && (
            <Button size="xs" variant="default" onClick={onEditClient}>
              Look at the client
            </Button>
          )}
        </Group>
        {consent.problem !== null && <CopyDetails details={consent.problem} />}
      </Stack>
    </Notice>
  )
}

function Connected({ credential }: { credential: Credential }) {
  return (
    <Notice role="status" color="pine" icon={<IconCheck aria-hidden />} title="Connected" maw={760}>
      <Text size="sm">
        “<bdi>{credential.name}</bdi>” now works
        {credential.username !== null && (
          <>
            {' '}
            with the account <bdi>{credential.username}</bdi>
          </>
        )}
        . Its tokens are renewed by themselves from here on.
      </Text>
      {credential.missing_scopes.length > 0 && (
        <>
          <Text size="sm" mt="sm" fw={600}>
            Not everything was granted:
          </Text>
          <List size="sm">
            {credential.missing_scopes.map((scope) => (
              <List.Item key={scope} className="mono">
                {scope}
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Notice>
  )
}

/** Another account than before signed in: nothing was changed, and the person decides. */
function OtherAccount({ consent, credential, attempt, way }: Omit<Props, 'onEditClient'>) {
  const mine = credential.username ?? 'the account connected before'
  const other = /^(.+) signed in, but this credential belongs to /.exec(consent.problem?.detail.replace(/^"[^"]*": /, '') ?? '')?.[1] ?? 'another account'
  return (
    <Notice role="alert" color="yellow" icon={<IconUserQuestion aria-hidden />} title="Another account signed in" maw={760}>
      <Stack gap="sm">
        <List size="sm">
          <List.Item>
            This credential belongs to <b>{<bdi>{mine}</bdi>}</b>
          </List.Item>
          <List.Item>
            Signed in was <b>{<bdi>{other}</bdi>}</b>
          </List.Item>
        </List>
        <Text size="sm">
          Nothing was changed. Most often the browser was still signed in as somebody else: sign out at the provider first, or use a private window. Taking the
          other account means that every automation with this credential works as it from then on.
        </Text>
        <Group gap="sm">
          <Button size="xs" onClick={() => attempt.begin(way)} loading={attempt.starting}>
            Try again as {mine}
          </Button>
          <Button size="xs" variant="default" onClick={() => attempt.begin(way, true)} disabled={attempt.starting}>
            Sign in once more and take the other account
          </Button>
        </Group>
      </Stack>
    </Notice>
  )
}

type End = { title: string; text: string; button: string; mild?: boolean; client?: boolean }

const otherEnd: End = { title: 'The sign-in did not work', text: 'The provider, or Keybearer, refused it:', button: 'Try again', client: true }

const ends: Record<string, End> = {
  consent_denied: {
    title: 'It was declined',
    text: 'Somebody pressed “Cancel” at the provider, or may not agree to this. Nothing was changed.',
    button: 'Ask again',
    mild: true,
  },
  consent_expired: { title: 'Nobody finished in time', text: 'The attempt has run out. Nothing was changed.', button: 'Start again', mild: true },
  consent_withdrawn: {
    title: 'It was withdrawn',
    text: 'Somebody ended it before it was finished: the link opens nothing any more. Nothing was changed.',
    button: 'Start again',
    mild: true,
  },
  consent_used: { title: 'This attempt is over', text: 'It was used already, or another one came after it.', button: 'Start again', mild: true },
  consent_unknown: {
    title: 'The answer belongs to another attempt',
    text: 'Most often an older tab was used. Start again and use the new tab.',
    button: 'Start again',
    mild: true,
  },
  consent_malformed: {
    title: 'The answer could not be understood',
    text: 'The provider sent something that does not fit.',
    button: 'Start again',
    client: true,
  },
  consent_issuer_mismatch: {
    title: 'Another provider answered',
    text: 'The answer does not come from where it was asked. It was thrown away, to be safe.',
    button: 'Start again',
    client: true,
  },
  consent_wrong_browser: { title: 'It came back in another browser', text: 'Only the browser that began it can finish it.', button: 'Start again', mild: true },
  provider_unavailable: { title: 'The provider does not answer', text: 'You agreed, but the tokens could not be fetched.', button: 'Try again', mild: true },
  clock_skew: {
    title: 'The clock of Keybearer’s machine is wrong',
    text: 'You agreed, but nothing is signed with a wrong time.',
    button: 'Try again',
    mild: true,
  },
  changed_meanwhile: { title: 'It was changed meanwhile', text: 'Somebody changed this credential while you signed in.', button: 'Start again', mild: true },
}
