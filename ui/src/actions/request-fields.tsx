import { Button, Collapse, Group, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { CredentialSelect } from '../elements/credential-select.tsx'
import type { RequestValues } from './action-values.ts'
import { methods } from './action-words.ts'
import { BodyFields } from './body-fields.tsx'
import type { PartProps } from './field-part.ts'
import { PagingFields } from './paging-fields.tsx'
import { PairFields } from './pair-fields.tsx'

/** What an HTTP Request action sends, with which credential, and how long answers are read. */
export function RequestFields({ values, change, errorAt }: PartProps<RequestValues>) {
  const [isOpen, setOpen] = useState(() => values.paging !== '' || values.key_header !== '')
  const rare = ['paging', 'timeout_seconds', 'max_bytes', 'key_header']
  const shown = isOpen || rare.some((path) => errorAt(path) !== undefined)
  return (
    <>
      <CredentialSelect
        label="Credential"
        description="Its token goes with the request, to the hosts that it lists, and nowhere else."
        placeholder="Choose one"
        value={values.credential}
        onPick={(credential) => change({ credential })}
        error={errorAt('credential')}
        withAsterisk
      />
      <Group align="flex-start" gap="xs">
        <Select
          label="Method"
          data={methods}
          value={values.method}
          onChange={(method) => change({ method: methods.find((one) => one === method) ?? 'GET' })}
          allowDeselect={false}
          w={110}
          error={errorAt('method')}
        />
        <TextInput
          label="URL"
          placeholder="https://api.example.org/queues/{{ input.queue }}/tickets"
          value={values.url}
          onChange={(event) => change({ url: event.currentTarget.value })}
          error={errorAt('url')}
          required
          flex="1 1 16rem"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
        />
      </Group>
      <PairFields
        label="Query"
        description="Added to what the URL has already."
        one="parameter"
        pairs={values.query}
        onChange={(query) => change({ query })}
        errorAt={(name) => errorAt(`query.${name.slice(0, 60)}`)}
      />
      <PairFields
        label="Headers"
        one="header"
        pairs={values.headers}
        onChange={(headers) => change({ headers })}
        errorAt={(name) => errorAt(`headers.${name.slice(0, 60)}`)}
      />
      <BodyFields values={values} change={change} errorAt={errorAt} />
      <Button variant="subtle" size="compact-sm" w="fit-content" aria-expanded={shown} onClick={() => setOpen(!isOpen)}>
        {shown ? 'Less' : 'Long answers, limits'}
      </Button>
      <Collapse expanded={shown}>
        <Stack>
          <PagingFields values={values} change={change} errorAt={errorAt} />
          <Group align="flex-start" grow preventGrowOverflow={false}>
            <NumberInput
              label="Longest wait for the answer"
              suffix=" s"
              placeholder="30 s"
              min={1}
              allowDecimal={false}
              value={values.timeout_seconds}
              onChange={(timeout_seconds) => change({ timeout_seconds })}
              error={errorAt('timeout_seconds')}
            />
            <NumberInput
              label="Most bytes of the answer"
              placeholder="1,048,576"
              thousandSeparator=","
              min={0}
              allowDecimal={false}
              value={values.max_bytes}
              onChange={(max_bytes) => change({ max_bytes })}
              error={errorAt('max_bytes')}
            />
          </Group>
          <TextInput
            label="Header of an API key"
            description="Which header an API key goes into; as a bearer token unless told"
            placeholder="X-Api-Key"
            value={values.key_header}
            onChange={(event) => change({ key_header: event.currentTarget.value })}
            error={errorAt('key_header')}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
          />
        </Stack>
      </Collapse>
    </>
  )
}
