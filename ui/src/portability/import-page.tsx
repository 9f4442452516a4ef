import { Button, Group, Paper, PasswordInput, Radio, Select, Stack, Text, Title } from '@mantine/core'
import type { ImportResult } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { KeybearerError } from '@keybearer/client'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { countOf } from '../elements/count-of.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { fieldErrors, ProblemNotice } from '../elements/problem-notice.tsx'
import { Waiting } from '../elements/waiting.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { FileSource, type Source } from './file-source.tsx'
import { clashes, formats, isEncrypted, type Clash, type Format } from './import-words.ts'
import { ItemTable } from './item-table.tsx'

/** Brings credentials in from a file: shows first what would happen, then does it, all or nothing. */
export function ImportPage() {
  const [source, setSource] = useState<Source | null>(null)
  const [format, setFormat] = useState<Format>('auto')
  const [passphrase, setPassphrase] = useState('')
  const [clash, setClash] = useState<Clash>('skip')
  const [preview, setPreview] = useState<ImportResult | null>(null)
  const [done, setDone] = useState<ImportResult | null>(null)
  const results = useRef<HTMLDivElement>(null)

  const order = (dryRun: boolean) => ({
    content: source?.content ?? '',
    format,
    on_clash: clash,
    dry_run: dryRun,
    ...(passphrase === '' ? {} : { passphrase }),
  })
  const show = () => requestAnimationFrame(() => results.current?.focus())
  const look = useMutation({
    mutationFn: () => withFreshSignIn(() => api.importCredentials({ body: order(true) })),
    onSuccess: (result) => {
      setPreview(result)
      show()
    },
    gcTime: 0,
  })
  const apply = useMutation({
    mutationFn: () => withFreshSignIn(() => api.importCredentials({ body: order(false) })),
    onSuccess: (result) => {
      setPreview(null)
      setDone(result)
      setPassphrase('')
      if (result.applied) setSource(null)
      for (const key of ['credentials', 'counts', 'registrations', 'providers']) void queryClient.invalidateQueries({ queryKey: [key] })
      show()
    },
    gcTime: 0,
  })
  /** What was looked at is not what would be done any more. */
  const change = (work: () => void) => {
    work()
    setPreview(null)
    look.reset()
    apply.reset()
  }
  const needsPassphrase = source !== null && (isEncrypted(source.content) || (look.error instanceof KeybearerError && look.error.code === 'import_passphrase'))
  const comes = preview?.items.filter((item) => item.action !== 'skip' && item.action !== 'refused').length ?? 0
  const refused = preview?.items.filter((item) => item.action === 'refused').length ?? 0

  if (done !== null && done.applied) {
    return (
      <>
        <PageHead title="Import credentials" />
        <Stack ref={results} tabIndex={-1}>
          <MessageBox tone="good" role="status" title={`${countOf(done.items.filter((item) => item.action !== 'skip').length)} imported`}>
            Those that need a person say so in the list, with what to do next.
          </MessageBox>
          <ItemTable items={done.items} isDone />
          <Group>
            <Button component={Link} to="/credentials">
              To the credentials
            </Button>
            <Button variant="default" onClick={() => setDone(null)}>
              Import more
            </Button>
          </Group>
        </Stack>
      </>
    )
  }
  return (
    <>
      <PageHead title="Import credentials">
        From a file of Keybearer, or from what another program keeps. First you see what would happen; nothing changes before you say so.
      </PageHead>
      <Stack gap="lg" maw={900}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (source !== null) look.mutate()
          }}
        >
          <Stack gap="lg">
            <Paper withBorder p="md" component="section" aria-label="File">
              <Title order={2} mb="sm">
                1. The file
              </Title>
              <Stack>
                <FileSource source={source} onSource={(next) => change(() => setSource(next))} />
                <Select
                  label="Kind of file"
                  description={formats.find((one) => one.value === format)?.hint}
                  data={formats.map(({ value, label }) => ({ value, label }))}
                  value={format}
                  onChange={(value) => change(() => setFormat(value as Format))}
                  allowDeselect={false}
                  maw={{ base: '100%', xs: 420 }}
                />
                {needsPassphrase && (
                  <PasswordInput
                    label="Passphrase"
                    description="The one that was chosen when the file was exported"
                    value={passphrase}
                    onChange={(event) => {
                      const typed = event.currentTarget.value
                      change(() => setPassphrase(typed))
                    }}
                    autoComplete="off"
                    error={fieldErrors(look.error).passphrase}
                    maw={{ base: '100%', xs: 420 }}
                    required
                  />
                )}
              </Stack>
            </Paper>
            <Paper withBorder p="md" component="section" aria-label="Names that are taken">
              <Title order={2} mb="sm">
                2. When a name is taken here
              </Title>
              <Radio.Group aria-label="When a name is taken here" value={clash} onChange={(value) => change(() => setClash(value))}>
                <Stack gap={8}>
                  {clashes.map((one) => (
                    <Radio key={one.value} {...one} />
                  ))}
                </Stack>
              </Radio.Group>
            </Paper>
            <ProblemNotice error={look.error ?? apply.error} />
            {(look.isPending || apply.isPending) && needsPassphrase && (
              <Waiting>The file is being opened. That takes some seconds, so that nobody guesses its passphrase.</Waiting>
            )}
            {preview === null && (
              <Button type="submit" loading={look.isPending} disabled={source === null || (needsPassphrase && passphrase === '')} w="fit-content">
                Look what would happen
              </Button>
            )}
          </Stack>
        </form>
        {(preview ?? done) !== null && (
          <Paper withBorder p="md" component="section" aria-label="What would happen" ref={results} tabIndex={-1}>
            <Title order={2} mb="xs">
              3. What would happen
            </Title>
            <Text size="sm" mb="sm">
              {formats.find((one) => one.value === (preview ?? done)!.format)?.label ?? (preview ?? done)!.format}.{' '}
              {refused > 0 || done !== null
                ? 'Something is refused, so nothing would be imported: mend it in the file and choose it again.'
                : comes === 0
                  ? 'Nothing new: everything is skipped.'
                  : `${countOf(comes)} would come.`}
            </Text>
            <ItemTable items={(preview ?? done)!.items} />
            {preview !== null && refused === 0 && comes > 0 && (
              <Group mt="md">
                <Button loading={apply.isPending} onClick={() => apply.mutate()}>
                  Import {countOf(comes)}
                </Button>
                <Button variant="default" onClick={() => setPreview(null)}>
                  Not yet
                </Button>
              </Group>
            )}
          </Paper>
        )}
        <CopyField label="The same on the command line" value="keybearer import FILE --dry-run" />
      </Stack>
    </>
  )
}
