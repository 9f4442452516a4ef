import { Stack, Text, TextInput } from '@mantine/core'
import { CopyIcon } from '../elements/copy-field.tsx'
import type { Guide } from './guide.ts'
import { placeTitles, type PlaceName, type PlaceValues } from './places.ts'
import styles from './guide-panel.module.css'

type Props = {
  guide: Guide
  known: PlaceValues
  typed: PlaceValues
  onType: (typed: PlaceValues) => void
  /** Which of the others are asked for: beside a form, those that it has no field for. */ ask: 'all' | 'unknown'
}

/** The values that a guide has places for: known ones to copy, and fields for what Keybearer cannot know. What is typed stays on this page. */
export function OwnValues({ guide, known, typed, onType, ask }: Props) {
  const names = Object.keys(guide.places) as PlaceName[]
  const there = names.filter((name) => known[name] !== undefined)
  const missing = names.filter((name) => known[name] === undefined && (ask === 'all' || 'unknown' in placeTitles[name]))
  if (there.length + missing.length === 0) return null
  return (
    <Stack gap="xs">
      {there.length > 0 && (
        <dl className={styles.values}>
          {there.map((name) => (
            <div key={name}>
              <dt>{placeTitles[name].title}</dt>
              <dd>
                <span className="mono">{known[name]}</span>
                <CopyIcon value={known[name]!} label={`Copy ${known[name]!}`} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {missing.length > 0 && (
        <details className={styles.missing}>
          <summary>{missing.length === 1 ? 'One value is still an example' : `${missing.length} values are still examples`}</summary>
          <Stack gap="xs" mt="xs">
            <Text size="xs" c="dimmed">
              What you type here is put into the commands, and goes nowhere.
            </Text>
            {missing.map((name) => {
              const { title, meaning } = placeTitles[name] as { title: string; meaning?: string }
              return (
                <TextInput
                  key={name}
                  size="xs"
                  label={`For the commands: ${title.charAt(0).toLowerCase()}${title.slice(1)}`}
                  description={meaning}
                  placeholder={guide.places[name]}
                  value={typed[name] ?? ''}
                  onChange={(event) => onType({ ...typed, [name]: event.currentTarget.value })}
                  autoComplete="off"
                  spellCheck={false}
                />
              )
            })}
          </Stack>
        </details>
      )}
    </Stack>
  )
}
