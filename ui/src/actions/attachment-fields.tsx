import { ActionIcon, Button, FileButton, Group, Input, Paper, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconFile, IconPlus, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { newRow, type Attachment } from './action-values.ts'
import { typedExactly, type PartProps } from './field-part.ts'

const most = 256 * 1024

/** Files that go with the mail: fixed ones, and texts that are written anew for every run. */
export function AttachmentFields({ values, change, errorAt }: PartProps<{ attachments: Attachment[] }>) {
  const { attachments } = values
  const [refused, setRefused] = useState<string | null>(null)
  const set = (key: string, part: Partial<Attachment>) => change({ attachments: attachments.map((file) => (file.key === key ? { ...file, ...part } : file)) })
  const add = (file: Omit<Attachment, 'key'>) => change({ attachments: [...attachments, { ...file, key: newRow() }] })
  const addFile = async (file: File | null) => {
    if (file === null) return
    if (file.size > most) return setRefused(`“${file.name}” has more than 256 KiB. Send larger files as a message.`)
    setRefused(null)
    add({ filename: file.name, content_type: file.type, content: await base64Of(file), text: null })
  }
  const atWhole = attachments.length === 0 ? errorAt('attachments') : undefined
  return (
    <Input.Wrapper label="Attachments" labelElement="div" description="Small ones: 256 KiB together." error={refused ?? atWhole}>
      <Stack gap={8} mt={4} role="group" aria-label="Attachments">
        {attachments.map((file, i) => {
          const isText = file.content === null
          return (
            <Paper key={file.key} withBorder p="xs">
              <Stack gap={6}>
                <Group gap={6} align="flex-start" wrap="nowrap">
                  <Group gap={6} align="flex-start" flex={1}>
                    <TextInput
                      label="File name"
                      flex="2 1 10rem"
                      value={file.filename}
                      onChange={(event) => set(file.key, { filename: event.currentTarget.value })}
                      error={errorAt(`attachments.${i}.filename`)}
                      required
                    />
                    <TextInput
                      label="Type"
                      placeholder={isText ? 'text/plain' : 'as its name says'}
                      flex="1 1 8rem"
                      value={file.content_type}
                      onChange={(event) => set(file.key, { content_type: event.currentTarget.value })}
                      error={errorAt(`attachments.${i}.content_type`)}
                      spellCheck={false}
                      autoCapitalize="off"
                    />
                  </Group>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size={36}
                    mt={24}
                    aria-label={`Remove the attachment ${file.filename === '' ? i + 1 : file.filename}`}
                    onClick={() => change({ attachments: attachments.filter((other) => other !== file) })}
                  >
                    <IconX size={16} />
                  </ActionIcon>
                </Group>
                {isText ? (
                  <Textarea
                    label="Its text"
                    autosize
                    minRows={2}
                    maxRows={12}
                    styles={typedExactly}
                    value={file.text ?? ''}
                    onChange={(event) => set(file.key, { text: event.currentTarget.value })}
                    error={errorAt(`attachments.${i}.text`)}
                    spellCheck={false}
                  />
                ) : (
                  <Text size="xs" c="dimmed">
                    {Math.max(1, Math.round((file.content!.length * 3) / 4 / 1024))} KiB, as it is
                  </Text>
                )}
              </Stack>
            </Paper>
          )
        })}
        <Group gap={6}>
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => add({ filename: '', content_type: '', content: null, text: '' })}
          >
            Add a text with variables
          </Button>
          <FileButton onChange={(file) => void addFile(file)}>
            {(props) => (
              <Button {...props} variant="default" size="compact-sm" leftSection={<IconFile size={14} aria-hidden />}>
                Add a file
              </Button>
            )}
          </FileButton>
        </Group>
        {attachments.length > 0 && errorAt('attachments') !== undefined && !attachments.some((_, i) => errorAt(`attachments.${i}`) !== undefined) && (
          <Input.Error>{errorAt('attachments')}</Input.Error>
        )}
      </Stack>
    </Input.Wrapper>
  )
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
