import { Accordion, Anchor, Button, Group, Loader, Paper, Stack, Text, Textarea } from '@mantine/core'
import type { Consent } from '@keybearer/client'
import { IconExternalLink } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ExplainBox } from '../diagnosis/explain-box.tsx'
import { Notice } from '../elements/notice.tsx'
import { api } from '../api/client.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { QrPicture } from '../elements/qr-picture.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import type { ConsentAttempt } from './consent-attempt.ts'
import { WithdrawButton } from './withdraw-link.tsx'

type Props = { attempt: ConsentAttempt; consent: Consent; providerName: string }

/** While the person is at the provider: what to do there, and a page that notices the end by itself. */
export function ConsentWaiting({ attempt, consent, providerName }: Props) {
  const way = attempt.started?.way
  return (
    <Stack gap="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <Loader size="xs" aria-hidden />
        <Text size="sm">
          {consent.status === 'exchanging'
            ? `${providerName} has answered; the tokens are being fetched …`
            : consent.mode === 'link'
              ? 'Waiting for somebody to follow the link.'
              : `Waiting for ${providerName}.`}{' '}
          {consent.status === 'waiting' && (
            <>
              The time for it ends <RelativeTime at={consent.expires_at} />
            </>
          )}
        </Text>
      </Group>
      {way === undefined && consent.mode === 'browser' && <Text size="sm">If you have finished at {providerName}, wait a moment. If not, start again.</Text>}
      {way === 'tab' && <InTab attempt={attempt} providerName={providerName} />}
      {consent.mode === 'device' && <WithCode consent={consent} complete={attempt.started?.verification_uri_complete ?? null} />}
      {consent.mode === 'link' && <LinkToSend consent={consent} link={attempt.started?.link ?? null} />}
      {consent.mode === 'paste' && <PasteBack consent={consent} address={attempt.started?.authorization_url ?? null} providerName={providerName} />}
      {consent.mode !== 'link' && <ProviderShowsError credential={consent.credential.id} />}
      <Group>
        {consent.mode === 'link' && consent.status === 'waiting' && <WithdrawButton consent={consent} />}
        <Button size={consent.mode === 'link' ? 'xs' : undefined} variant="default" onClick={() => attempt.forget()}>
          Start again, or another way
        </Button>
      </Group>
    </Stack>
  )
}

/** Many errors stand on the provider's page and never come back. */
function ProviderShowsError({ credential }: { credential: string }) {
  return (
    <Accordion variant="contained" maw={760}>
      <Accordion.Item value="error">
        <Accordion.Control>The provider shows an error</Accordion.Control>
        <Accordion.Panel>
          <ExplainBox credential={credential} />
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

function InTab({ attempt, providerName }: { attempt: ConsentAttempt; providerName: string }) {
  const [closed, setClosed] = useState(false)
  useEffect(() => {
    const timer = setInterval(() => setClosed(attempt.isTabClosed()), 1500)
    return () => clearInterval(timer)
  }, [attempt.started?.id])
  const address = attempt.started?.authorization_url ?? null
  if (attempt.blocked && address !== null) {
    return (
      <Notice color="yellow" role="alert" title="The browser did not allow a new tab">
        <Text size="sm" mb="sm">
          Nothing is lost: take the sign-in into this tab, or open it with the link.
        </Text>
        <Group gap="sm">
          <Button size="xs" onClick={() => window.location.assign(address)}>
            Go on in this tab
          </Button>
          <Anchor href={address} target="_blank" rel="noreferrer" size="sm">
            Open it in a new tab
          </Anchor>
        </Group>
      </Notice>
    )
  }
  return closed ? (
    <Notice color="yellow" role="status" title="The tab seems to be closed">
      If you had finished there, wait a moment. If not, start again.
    </Notice>
  ) : (
    <Text size="sm">Sign in and agree in the tab of {providerName} that has just opened. You may close it when it says so.</Text>
  )
}

/** `complete`: the address with the code in it, which only the start of the attempt was told. */
function WithCode({ consent, complete }: { consent: Consent; complete: string | null }) {
  const plain = safeAddress(consent.verification_uri)
  const whole = safeAddress(complete) ?? plain
  return (
    <Paper withBorder p="md">
      <Group gap="xl" align="flex-start">
        {whole !== null && (
          <Stack gap={4} align="center">
            <QrPicture text={whole} label={`QR code that opens ${whole}`} />
            <Text size="xs" c="dimmed">
              Scan with a telephone
            </Text>
          </Stack>
        )}
        <Stack gap="md" flex="1 1 14rem" miw={0}>
          {plain !== null && <CopyField label="1. Open on any device" value={plain} />}
          <div>
            <Text size="sm" fw={600}>
              2. Enter this code
            </Text>
            <Text className="mono" fz={30} fw={700} lh={1.3} style={{ letterSpacing: '0.08em' }}>
              {consent.user_code}
            </Text>
          </div>
          <Text size="sm">3. Sign in and agree. Check that the page shows the same code.</Text>
          {whole !== null && (
            <Anchor href={whole} target="_blank" rel="noreferrer" size="sm">
              Or open it here <IconExternalLink size={14} aria-label="(opens a new tab)" style={{ verticalAlign: '-2px' }} />
            </Anchor>
          )}
        </Stack>
      </Group>
    </Paper>
  )
}

function LinkToSend({ consent, link }: { consent: Consent; link: string | null }) {
  if (link === null) {
    return (
      <Text size="sm">
        The link was shown once. It still works; if it is lost, start again: a new one takes its place. You may leave this page, the credential shows when it is
        connected.
      </Text>
    )
  }
  return (
    <Stack gap="md">
      <CopyField label="Send this to whoever has the account" value={link} />
      <Text size="sm">
        It opens a page that says who asks for what, with one button. It works once, for seven days, and is shown only now. You may leave this page: “
        <bdi>{consent.credential.name}</bdi>” shows when it is connected.
      </Text>
    </Stack>
  )
}

function PasteBack({ consent, address, providerName }: { consent: Consent; address: string | null; providerName: string }) {
  const queries = useQueryClient()
  const [text, setText] = useState('')
  const answer = useMutation({
    mutationFn: () => api.answerConsent({ params: { consent: consent.id }, body: { redirect_url: text.trim() } }),
    onSuccess: (after) => queries.setQueryData(['consent', consent.id], after),
    onError: () => void queries.invalidateQueries({ queryKey: ['consent', consent.id] }),
  })
  const wrong =
    text.trim() === '' || URL.canParse(text.trim()) ? undefined : 'Copy the whole address from the address bar, with https:// and everything behind the “?”'
  return (
    <Stack gap="md">
      {address !== null && <CopyField label={`1. Open this address in the browser that can sign in at ${providerName}`} value={address} />}
      <Text size="sm">
        2. Sign in and agree. The browser then goes to an address that may show an error: that is as it should be. Copy that address from its address bar.
      </Text>
      <Textarea
        label="3. Paste it here"
        placeholder="https://…/oauth/callback/…?code=…&state=…"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={wrong}
        autosize
        minRows={2}
        maxRows={6}
        spellCheck={false}
        autoComplete="off"
      />
      <ProblemNotice error={answer.error} title="That address does not finish it" />
      <Button w="fit-content" onClick={() => answer.mutate()} loading={answer.isPending} disabled={text.trim() === '' || wrong !== undefined}>
        Finish with this address
      </Button>
    </Stack>
  )
}

/** Addresses come from the provider: only web addresses become links. */
const safeAddress = (address: string | null): string | null => (address !== null && /^https?:\/\//.test(address) ? address : null)
