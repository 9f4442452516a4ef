import { Stack, Textarea } from '@mantine/core'
import { ListInput } from './list-input.tsx'
import { useDraft } from './draft-form.ts'
import type { Stored } from './draft-send.ts'
import { NameField } from './name-field.tsx'

/** Step 5: how people and programs find it. */
export function NameStep({ stored }: { stored: Stored }) {
  const form = useDraft()
  return (
    <Stack gap="md">
      <NameField ownName={stored.credential.name} />
      <Textarea
        label="Description"
        description="What it is for, and whom to ask."
        autosize
        minRows={2}
        maxRows={8}
        maxLength={2000}
        {...form.getInputProps('description')}
      />
      <ListInput label="Tags" description="To filter by, such as mail or team-a." maxTags={50} {...form.getInputProps('tags')} />
    </Stack>
  )
}
