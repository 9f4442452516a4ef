import { Button, Collapse, Radio, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { CredentialSelect } from '../elements/credential-select.tsx'
import { ListInput } from '../wizard/list-input.tsx'
import type { EmailValues } from './action-values.ts'
import { AttachmentFields } from './attachment-fields.tsx'
import { typedExactly, type PartProps } from './field-part.ts'
import { PairFields } from './pair-fields.tsx'

/** What a Send Email action sends, to whom, and through which sender. */
export function EmailFields({ values, change, errorAt }: PartProps<EmailValues>) {
  const senders = useQuery({ queryKey: ['senders'], queryFn: () => api.listSenders() })
  const standard = senders.data?.items.find((sender) => sender.is_default)
  const [isOpen, setOpen] = useState(() => hasMore(values))
  const rare = ['credential', 'from', 'reply_to', 'cc', 'bcc', 'headers']
  const shown = isOpen || rare.some((path) => errorAt(path) !== undefined)
  const addresses = (field: 'to' | 'cc' | 'bcc', label: string, description?: string) => (
    <ListInput
      label={label}
      description={description}
      value={values[field]}
      onChange={(list) => change({ [field]: list })}
      acceptValueOnBlur
      error={errorAt(field, values[field])}
      withAsterisk={field === 'to'}
    />
  )
  return (
    <>
      <Select
        label="Through"
        placeholder={standard === undefined ? 'Choose a sender' : `The default: ${standard.name}`}
        data={(senders.data?.items ?? []).map((sender) => ({ value: sender.id, label: `${sender.name} – ${sender.from}` }))}
        value={values.sender}
        onChange={(sender) => change({ sender })}
        clearable
        clearButtonProps={{ 'aria-label': 'The default' }}
        error={errorAt('sender')}
      />
      {addresses('to', 'To', 'Enter or a comma ends each address. A variable that is a list stands for all its addresses.')}
      <TextInput
        label="Subject"
        value={values.subject}
        onChange={(event) => change({ subject: event.currentTarget.value })}
        error={errorAt('subject')}
        required
      />
      <Textarea
        label="Text"
        value={values.text}
        onChange={(event) => change({ text: event.currentTarget.value })}
        error={errorAt('text')}
        autosize
        minRows={5}
        maxRows={24}
      />
      <Textarea
        label="HTML"
        description="May be empty. Values are escaped in it."
        value={values.html}
        onChange={(event) => change({ html: event.currentTarget.value })}
        error={errorAt('html')}
        autosize
        minRows={2}
        maxRows={24}
        styles={typedExactly}
        spellCheck={false}
      />
      <AttachmentFields values={values} change={change} errorAt={errorAt} />
      <Radio.Group
        label="The run has succeeded"
        value={values.until}
        onChange={(until) => change({ until: until === 'sent' ? 'sent' : 'accepted' })}
        error={errorAt('until')}
      >
        <Stack gap={6} mt={6}>
          <Radio value="accepted" label="when the mail is in the outbox: it is sent however long the mail server is away" />
          <Radio value="sent" label="when a mail server has taken it: the run waits for that, up to 90 seconds" />
        </Stack>
      </Radio.Group>
      <Button variant="subtle" size="compact-sm" w="fit-content" aria-expanded={shown} onClick={() => setOpen(!isOpen)}>
        {shown ? 'Less' : 'Copies, From, headers'}
      </Button>
      <Collapse expanded={shown}>
        <Stack>
          {addresses('cc', 'Copy to (Cc)')}
          {addresses('bcc', 'Hidden copy to (Bcc)')}
          <TextInput
            label="Another From"
            description="An address that the sender may use; its own unless told"
            value={values.from}
            onChange={(event) => change({ from: event.currentTarget.value })}
            error={errorAt('from')}
          />
          <TextInput
            label="Answers go to (Reply-To)"
            value={values.reply_to}
            onChange={(event) => change({ reply_to: event.currentTarget.value })}
            error={errorAt('reply_to')}
          />
          <CredentialSelect
            label="Credential, in place of a sender"
            description="The mail goes through the sender that logs in with it"
            placeholder="None"
            value={values.credential}
            onPick={(credential) => change({ credential })}
            clearable
            error={errorAt('credential')}
          />
          <PairFields
            label="Headers"
            one="header"
            pairs={values.headers}
            onChange={(headers) => change({ headers })}
            errorAt={(name) => errorAt(`headers.${name.slice(0, 60)}`)}
          />
        </Stack>
      </Collapse>
    </>
  )
}

const hasMore = (email: EmailValues): boolean =>
  email.cc.length + email.bcc.length + email.headers.length > 0 || email.from !== '' || email.reply_to !== '' || email.credential !== null
