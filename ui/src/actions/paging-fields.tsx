import { NumberInput, Select, TextInput } from '@mantine/core'
import type { RequestValues } from './action-values.ts'
import type { PartProps } from './field-part.ts'

const ways = [
  { value: '', label: 'One answer' },
  { value: 'next_link', label: 'Pages, with the link to the next one in the answer' },
  { value: 'link_header', label: 'Pages, with the link in the header Link' },
  { value: 'cursor', label: 'Pages, by a cursor that goes into the query' },
] as const

/** How the pages of a long list are gathered. */
export function PagingFields({ values, change, errorAt }: PartProps<RequestValues>) {
  const { paging } = values
  return (
    <>
      <Select
        label="The answer is"
        data={ways}
        value={paging}
        onChange={(value) => change({ paging: ways.find((way) => way.value === value)?.value ?? '' })}
        allowDeselect={false}
        error={paging === '' ? errorAt('paging') : errorAt('paging.by')}
      />
      {(paging === 'next_link' || paging === 'cursor') && (
        <TextInput
          label={paging === 'cursor' ? 'Where the cursor stands' : 'Where the link stands'}
          description='Such as paging.next or ["@odata.nextLink"]'
          value={values.pageNext}
          onChange={(event) => change({ pageNext: event.currentTarget.value })}
          error={errorAt('paging.next')}
          spellCheck={false}
          autoCapitalize="off"
          withAsterisk
        />
      )}
      {paging === 'cursor' && (
        <TextInput
          label="Parameter that the cursor goes into"
          placeholder="cursor"
          value={values.pageParameter}
          onChange={(event) => change({ pageParameter: event.currentTarget.value })}
          error={errorAt('paging.parameter')}
          spellCheck={false}
          autoCapitalize="off"
          withAsterisk
        />
      )}
      {paging !== '' && (
        <>
          <TextInput
            label="Where the items of a page stand"
            description="Those of all pages are put together. Empty: the whole answers."
            placeholder="value"
            value={values.pageItems}
            onChange={(event) => change({ pageItems: event.currentTarget.value })}
            error={errorAt('paging.items')}
            spellCheck={false}
            autoCapitalize="off"
          />
          <NumberInput
            label="Most pages"
            min={1}
            max={100}
            allowDecimal={false}
            value={values.max_pages}
            onChange={(max_pages) => change({ max_pages })}
            error={errorAt('paging.max_pages')}
          />
        </>
      )}
    </>
  )
}
