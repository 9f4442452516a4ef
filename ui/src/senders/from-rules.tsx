import { Select, TagsInput } from '@mantine/core'
import type { ReactNode } from 'react'

const otherFromWords = {
  '': 'As the setting KEYBEARER_RELAY_FROM says',
  refuse: 'Refuse it',
  rewrite: 'Send it as the address above; answers go to the old one',
  keep: 'Send it as it is, where the server takes any From',
} as const

export type ForeignFromChoice = keyof typeof otherFromWords

type Props = {
  takes: { value: string[]; onChange: (value: string[]) => void; error?: ReactNode }
  foreign: { value: ForeignFromChoice; onChange: (value: ForeignFromChoice) => void }
}

/** Which From goes through the sender, for mail that programs write themselves. */
export function FromRules({ takes, foreign }: Props) {
  return (
    <>
      <TagsInput
        label="Other From addresses"
        description="Finished mail from the relay with these goes through it too: an address, @example.org for a domain, * for any. Empty: all of its own domain"
        splitChars={[',', ' ', ';', '\n']}
        acceptValueOnBlur
        {...takes}
      />
      <Select
        label="Mail with another From"
        data={Object.entries(otherFromWords).map(([value, label]) => ({ value, label }))}
        allowDeselect={false}
        value={foreign.value}
        onChange={(value) => foreign.onChange((value ?? '') as ForeignFromChoice)}
      />
    </>
  )
}
