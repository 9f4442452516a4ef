import { Button, Group, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFile, IconUpload } from '@tabler/icons-react'
import { useState } from 'react'
import { MessageBox } from '../elements/message-box.tsx'
import { SecretText } from '../elements/secret-text.tsx'
import { mostBytes } from './import-words.ts'

export type Source = { name: string; content: string }

/** A file that is dropped or picked, or a text that is pasted. It is read here and sent only when somebody asks to look at it. */
export function FileSource({ source, onSource }: { source: Source | null; onSource: (source: Source | null) => void }) {
  const [refusal, setRefusal] = useState<string | null>(null)
  const [isPasting, setPasting] = useState(false)
  const take = async (file: File) => {
    setRefusal(null)
    try {
      onSource({ name: file.name, content: await readText(file) })
    } catch (error) {
      setRefusal(error instanceof NotText ? error.message : `“${file.name}” could not be read. Choose it again.`)
    }
  }
  return (
    <Stack gap="sm">
      {source !== null && !isPasting ? (
        <Group gap="sm" role="status">
          <IconFile size={20} aria-hidden />
          <Text size="sm">
            <bdi>{source.name}</bdi>, {Math.max(1, Math.round(source.content.length / 1000)).toLocaleString()} kB
          </Text>
          <Button size="compact-sm" variant="default" onClick={() => onSource(null)}>
            Another one
          </Button>
        </Group>
      ) : isPasting ? (
        <SecretText
          minRows={6}
          maxRows={14}
          label="Paste the text of the file"
          value={source?.content ?? ''}
          onChange={(content) => onSource(content === '' ? null : { name: 'Pasted text', content })}
        />
      ) : (
        <Dropzone
          onDrop={() => undefined}
          onDropAny={(files, rejected) => {
            // Of several, none is taken: nobody can know which one was meant.
            if (rejected.length === 0 && files[0] !== undefined) return void take(files[0])
            const isLarge = rejected[0]?.errors.some((error) => error.code === 'file-too-large') === true
            setRefusal(isLarge ? `“${rejected[0]!.file.name}” is larger than 25 MB: that is no file of credentials.` : 'Drop one single file.')
          }}
          maxFiles={1}
          maxSize={mostBytes}
          inputProps={{ 'aria-label': 'Choose a file' }}
          p="lg"
        >
          <Stack align="center" gap={6}>
            <IconUpload size={28} aria-hidden />
            <Text fw={600}>Drop a file here, or choose one</Text>
            <Text size="sm" c="dimmed" ta="center">
              Exports of Keybearer, JSON files of Google, email-oauth2-proxy, rclone, mutt_oauth2.py, CSV
            </Text>
          </Stack>
        </Dropzone>
      )}
      {refusal !== null && (
        <MessageBox tone="bad" role="alert" title="This file was not taken">
          {refusal}
        </MessageBox>
      )}
      <Button
        variant="subtle"
        size="compact-sm"
        w="fit-content"
        onClick={() => {
          setPasting(!isPasting)
          onSource(null)
          setRefusal(null)
        }}
      >
        {isPasting ? 'Choose a file instead' : 'Paste the text instead'}
      </Button>
    </Stack>
  )
}

class NotText extends Error {}

/** Reads a file as UTF-8 text; anything else is refused before it is sent anywhere. */
async function readText(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new NotText(`“${file.name}” is no text file.`)
  }
  if (text.includes('\0')) throw new NotText(`“${file.name}” is no text file.`)
  if (text.trim() === '') throw new NotText(`“${file.name}” is empty.`)
  return text
}
