import { Button, Group, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFileCheck, IconFileUpload } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { Notice } from '../elements/notice.tsx'
import { SecretText } from '../elements/secret-text.tsx'
import { useDraft } from './draft-form.ts'
import { readFile, readText, type FileReading, type GoogleFile } from './google-file.ts'

/** Takes a JSON file of Google by drop, file picker or paste, and says what it is. It is read here, in the browser. */
export function GoogleFileDrop() {
  const form = useDraft()
  const [refusal, setRefusal] = useState<string | null>(null)
  const [pasted, setPasted] = useState('')
  const open = useRef<() => void>(null)
  const { file } = form.values
  const take = (reading: FileReading) => {
    if (reading.kind === 'refused') {
      setRefusal(reading.sentence)
      form.setValues({ file: null, provider: '' })
      return
    }
    setRefusal(null)
    setPasted('')
    form.setValues({
      file: reading.file,
      provider: 'google',
      flow: reading.file.kind === 'service_account' ? 'google' : 'person',
      registration: '',
      clientId: reading.file.clientId,
      scopes: [],
      placeholders: {},
    })
  }
  return (
    <Stack gap="md" maw={720}>
      <Dropzone
        onDrop={(files) => {
          if (files.length > 1) take({ kind: 'refused', sentence: 'That were several files. Drop one.' })
          else if (files[0] !== undefined) void readFile(files[0]).then(take)
        }}
        openRef={open}
        multiple
        p="md"
        aria-label="Drop a JSON file of Google here, or press Enter to choose one"
        inputProps={{ 'aria-label': 'JSON file' }}
      >
        <Group gap="md" wrap="nowrap">
          <IconFileUpload size={36} stroke={1.4} aria-hidden />
          <div>
            <Text size="sm" fw={600}>
              Drop a JSON file of Google here, or choose one
            </Text>
            <Text size="xs" c="dimmed">
              client_secret*.json, the key of a service account, or an authorized_user file of gcloud
            </Text>
          </div>
        </Group>
      </Dropzone>
      <SecretText
        label="Or paste its content"
        placeholder="{ … }"
        value={pasted}
        onChange={(text) => {
          setPasted(text)
          if (text.trim() !== '') take(readText(text, 'What was pasted'))
          else setRefusal(null)
        }}
        minRows={2}
        maxRows={4}
      />
      <div aria-live="polite">
        {refusal !== null && (
          <Notice color="red" title="That file cannot be used">
            {refusal}
          </Notice>
        )}
        {file !== null && <Recognised file={file} onDrop={() => form.setValues({ file: null, provider: '', flow: 'person' })} />}
        {file === null && refusal === null && form.errors.file !== undefined && <Notice color="red">{form.errors.file}</Notice>}
      </div>
    </Stack>
  )
}

const explanations: Record<GoogleFile['kind'], { title: string; text: string }> = {
  client: {
    title: 'An OAuth client of Google Cloud',
    text: 'It holds a client ID and its secret. A person signs in once with the Google account that is meant.',
  },
  service_account: {
    title: 'The key of a service account',
    text: 'It works unattended: nobody has to sign in. To send mail for a mailbox, an administrator of the Workspace domain must have delegated the domain to it.',
  },
  authorized_user: {
    title: 'An account that gcloud connected',
    text: 'It holds a client and a refresh token that already works, so nobody has to sign in again.',
  },
}

function Recognised({ file, onDrop }: { file: GoogleFile; onDrop: () => void }) {
  const { title, text } = explanations[file.kind]
  return (
    <Notice color="pine" icon={<IconFileCheck aria-hidden />} title={title}>
      <Text size="sm">{text}</Text>
      <Text size="sm" mt={6}>
        From <bdi>{file.fileName}</bdi>, client <code className="mono">{file.clientId}</code>
        {file.project !== null && (
          <>
            , project <code className="mono">{file.project}</code>
          </>
        )}
        . Its secrets are sent to the service and shown nowhere.
      </Text>
      <Button mt="xs" size="compact-sm" variant="default" onClick={onDrop}>
        Take another file
      </Button>
    </Notice>
  )
}
