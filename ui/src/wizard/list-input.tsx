import { TagsInput, type TagsInputProps } from '@mantine/core'

type Props = Omit<TagsInputProps, 'onChange' | 'splitChars'> & {
  onChange: (values: string[]) => void
  /** Whether a blank separates too: in scopes and hosts it does, in tags it does not. */ byBlank?: boolean
}

/** Several short values, typed or pasted with whatever people put between them: comma, semicolon, blank, new line. */
export function ListInput({ onChange, byBlank = false, ...rest }: Props) {
  const separators = byBlank ? /[\s,;]+/ : /[,;\n]+/
  const tidy = (values: string[]) =>
    [...new Set(values.flatMap((value) => value.split(separators)).map((value) => value.trim()))].filter((value) => value !== '')
  return (
    <TagsInput
      {...rest}
      splitChars={byBlank ? [',', ';', '\n', ' ', '\t'] : [',', ';', '\n']}
      isDuplicate={(value, current) => current.includes(value)}
      onChange={(values) => onChange(tidy(values))}
    />
  )
}
