import { Button, Group, Paper, PasswordInput, Radio, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { FormProblem } from '../elements/form-problem.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { fieldErrors } from '../elements/problem-notice.tsx'
import { saveFile } from '../elements/save-file.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { ChosenCredentials } from './chosen-credentials.tsx'

const shortest = 12

/** Writes credentials to a file: without their secrets, or encrypted with a passphrase. */
export function ExportPage() {
  const asked = useRouterState({ select: (state) => readChosen(state.location.search) })
  const [which, setWhich] = useState<'all' | 'some'>(asked.length > 0 ? 'some' : 'all')
  const [chosen, setChosen] = useState<string[]>(asked)
  const [secrets, setSecrets] = useState<'none' | 'encrypted'>('none')
  const [passphrase, setPassphrase] = useState('')
  const [again, setAgain] = useState('')
  const work = useMutation({
    mutationFn: () =>
      withFreshSignIn(() =>
        api.exportCredentials({ body: { secrets, ...(which === 'all' ? {} : { credentials: chosen }), ...(secrets === 'encrypted' ? { passphrase } : {}) } }),
      ),
    onSuccess: (file) => {
      saveFile(file.file_name, file.content, 'application/json')
      setPassphrase('')
      setAgain('')
    },
    // The file is in the answer: it is not kept.
    gcTime: 0,
  })
  const errors = fieldErrors(work.error)
  const isShort = passphrase !== '' && passphrase.length < shortest
  const differs = again !== '' && again !== passphrase
  const isReady = (which === 'all' || chosen.length > 0) && (secrets === 'none' || (passphrase.length >= shortest && again === passphrase))
  return (
    <>
      <PageHead title="Export credentials">To a file that another Keybearer imports. A copy for emergencies is a backup of the database, not this.</PageHead>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) work.mutate()
        }}
      >
        <Stack gap="lg" maw={760}>
          <Paper withBorder p="md" component="section" aria-label="Which">
            <Title order={2} mb="sm">
              Which
            </Title>
            <Radio.Group aria-label="Which credentials" value={which} onChange={(value) => setWhich(value)}>
              <Stack gap={8}>
                <Radio value="all" label="All of them" />
                <Radio value="some" label="Only these" />
              </Stack>
            </Radio.Group>
            {which === 'some' && <ChosenCredentials chosen={chosen} onChange={setChosen} error={errors.credentials} />}
          </Paper>
          <Paper withBorder p="md" component="section" aria-label="Secrets">
            <Title order={2} mb="sm">
              Secrets
            </Title>
            <Radio.Group aria-label="Secrets" value={secrets} onChange={(value) => setSecrets(value)}>
              <Stack gap={8}>
                <Radio
                  value="none"
                  label="Leave them out"
                  description="Names, accounts, scopes and settings only. Whoever imports it connects each credential anew."
                />
                <Radio
                  value="encrypted"
                  label="Take them along, encrypted"
                  description="The whole file is encrypted with a passphrase (age format). Whoever has both can act as all these accounts."
                />
              </Stack>
            </Radio.Group>
            {secrets === 'encrypted' && (
              <Stack mt="md" maw={{ base: '100%', xs: 420 }}>
                <PasswordInput
                  label="Passphrase"
                  description={`At least ${shortest} characters; five unrelated words are good. Nobody can open the file without it.`}
                  value={passphrase}
                  onChange={(event) => setPassphrase(event.currentTarget.value)}
                  error={errors.passphrase ?? (isShort ? `${shortest - passphrase.length} more characters` : undefined)}
                  autoComplete="new-password"
                  required
                />
                <PasswordInput
                  label="Passphrase again"
                  value={again}
                  onChange={(event) => setAgain(event.currentTarget.value)}
                  error={differs ? 'This differs from the passphrase above' : undefined}
                  autoComplete="new-password"
                  required
                />
              </Stack>
            )}
          </Paper>
          <FormProblem error={work.error} fields={['passphrase', 'credentials']} />
          {work.data !== undefined && !work.isPending && (
            <MessageBox tone="good" role="status" title={`${work.data.file_name} is saved`}>
              <Text size="sm">
                {work.data.count.toLocaleString()} {work.data.count === 1 ? 'credential is' : 'credentials are'} in it. Your browser has put it where downloads
                go.
              </Text>
            </MessageBox>
          )}
          <Group>
            <Button type="submit" loading={work.isPending} disabled={!isReady}>
              Export to a file
            </Button>
          </Group>
          <CopyField
            label="The same on the command line"
            value={secrets === 'none' ? 'keybearer export --output credentials.json' : 'keybearer export --secrets --output credentials.age'}
          />
        </Stack>
      </form>
    </>
  )
}

/** Credentials that the list was asked to export: ids with commas in the address. */
function readChosen(search: unknown): string[] {
  const { credentials } = search as { credentials?: unknown }
  return typeof credentials === 'string'
    ? credentials
        .split(',')
        .filter((id) => id !== '')
        .slice(0, 2000)
    : []
}
