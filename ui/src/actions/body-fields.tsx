import { Input, SegmentedControl, Text, Textarea } from '@mantine/core'
import { mayHaveBody, type BodyKind, type RequestValues } from './action-values.ts'
import { typedExactly, type PartProps } from './field-part.ts'
import { JsonField } from './json-field.tsx'
import { PairFields } from './pair-fields.tsx'

const kinds: { value: BodyKind; label: string }[] = [
  { value: 'none', label: 'None' },
  { value: 'json', label: 'JSON' },
  { value: 'text', label: 'Text' },
  { value: 'form', label: 'Form' },
]

/** The body of a request, in one of the forms that servers take. */
export function BodyFields({ values, change, errorAt }: PartProps<RequestValues>) {
  if (!mayHaveBody(values.method)) {
    return (
      <Text size="sm" c="dimmed">
        A {values.method} request has no body.
      </Text>
    )
  }
  return (
    <>
      <Input.Wrapper label="Body" labelElement="div" labelProps={{ id: 'action-body' }} error={values.bodyKind === 'none' ? errorAt('body') : undefined}>
        <SegmentedControl
          aria-labelledby="action-body"
          fullWidth
          mt={4}
          data={kinds}
          value={values.bodyKind}
          onChange={(bodyKind) => change(bodyKind === 'json' && values.json === '' ? { bodyKind, json: '{\n  \n}' } : { bodyKind })}
        />
      </Input.Wrapper>
      {values.bodyKind === 'json' && (
        <JsonField
          label="JSON"
          description="Texts in it may have variables. A text that is nothing but one variable becomes its value: a number stays a number, a list a list."
          value={values.json}
          onChange={(json) => change({ json })}
          error={errorAt('body.json')}
        />
      )}
      {values.bodyKind === 'text' && (
        <Textarea
          label="Text of the body"
          description="Say what it is in the header Content-Type."
          value={values.text}
          onChange={(event) => change({ text: event.currentTarget.value })}
          error={errorAt('body.text')}
          autosize
          minRows={4}
          maxRows={24}
          styles={typedExactly}
          spellCheck={false}
        />
      )}
      {values.bodyKind === 'form' && (
        <PairFields
          label="Fields of the form"
          one="field"
          pairs={values.form}
          onChange={(form) => change({ form })}
          errorAt={(name) => errorAt(`body.form.${name.slice(0, 60)}`)}
        />
      )}
    </>
  )
}
