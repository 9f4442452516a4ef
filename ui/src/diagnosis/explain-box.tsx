import { Button, Group, Paper, Stack, Text, Textarea, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { DiagnosisWords } from './diagnosis-words.tsx'

/** No diagnosis looks further into a text. */
const longest = 16_384

/** Takes the text of an error that Keybearer never saw, such as from a provider's page, and says what it means. */
export function ExplainBox({ credential }: { /** Its values are filled in. */ credential?: string }) {
  const [text, setText] = useState('')
  const explain = useMutation({
    mutationFn: (pasted: string) => api.explainFailure({ body: { text: pasted, ...(credential === undefined ? {} : { credential }) } }),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        explain.mutate(text.slice(0, longest))
      }}
    >
      <Stack gap="sm" maw={760}>
        <Textarea
          label="Paste the error text"
          description="From the provider's page, a log or a mail. It is not kept."
          placeholder="AADSTS50011: The redirect URI …"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autosize
          minRows={3}
          maxRows={10}
          spellCheck={false}
          autoComplete="off"
        />
        <Group>
          <Button type="submit" loading={explain.isPending} disabled={text.trim() === ''}>
            Explain it
          </Button>
        </Group>
        <ProblemNotice error={explain.error} />
        <div aria-live="polite">
          {explain.data !== undefined && (
            <Paper withBorder p="md">
              <Title order={2} mb="xs">
                {explain.data.title}
              </Title>
              <DiagnosisWords diagnosis={explain.data} withTitle={false} />
              {explain.data.id !== null && (
                <Text size="xs" c="dimmed" mt="sm" className="mono">
                  {explain.data.id}
                </Text>
              )}
            </Paper>
          )}
        </div>
      </Stack>
    </form>
  )
}
