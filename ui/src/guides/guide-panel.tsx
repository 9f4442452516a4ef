import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconBook2, IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { GuideBody } from './guide-body.tsx'
import { guidesQuery } from './guides.ts'
import type { Beside } from './guides-beside.ts'
import { OwnValues } from './own-values.tsx'
import type { PlaceValues } from './places.ts'
import styles from './guide-panel.module.css'

/** Whether it was opened or closed by hand: kept as long as the window is. */
let chosenOpen: boolean | null = null

type Props = {
  /** What helps here, the nearest first. */ beside: Beside[]
  values: PlaceValues
  /** Whose values these are, for links that lead to a page of their own. */ credential?: string
  children: ReactNode
}

/** A step, and the guide for it: beside it on wide pages, below it on narrow ones. It can be closed, and is found closed where there is little room. */
export function WithGuide({ beside, values, credential, children }: Props) {
  return (
    <div className={styles.split}>
      <div>{children}</div>
      {beside.length > 0 && <GuidePanel beside={beside} values={values} {...(credential === undefined ? {} : { credential })} />}
    </div>
  )
}

function GuidePanel({ beside, values, credential }: Omit<Props, 'children'>) {
  const isWide = useMediaQuery('(min-width: 75em)', false, { getInitialValueInEffect: false })
  const [byHand, setByHand] = useState(chosenOpen)
  const isOpen = byHand ?? isWide
  const [shown, setShown] = useState<Beside>(beside[0]!)
  const [typed, setTyped] = useState<PlaceValues>({})
  const box = useRef<HTMLDivElement>(null)
  const moved = useRef(false)
  const prefix = `${useId()}-`
  const guides = useQuery({ ...guidesQuery, enabled: isOpen })
  const nearest = `${beside[0]!.guide}#${beside[0]!.section ?? ''}`
  useEffect(() => setShown(beside[0]!), [nearest])

  const guide = guides.data?.find((one) => one.id === shown.guide)
  useEffect(() => {
    if (guide === undefined || !isOpen) return
    const heading = shown.section === null ? null : document.getElementById(`${prefix}${shown.section}`)
    const room = box.current
    // Only the panel moves, not the page under whoever types in the form.
    if (room !== null && room.scrollHeight > room.clientHeight) room.scrollTo({ top: heading === null ? 0 : heading.offsetTop - room.offsetTop })
    if (moved.current) (heading ?? document.getElementById(`${prefix}title`))?.focus({ preventScroll: isWide })
    moved.current = false
  }, [guide?.id, shown, isOpen])

  const follow = (to: string, section: string | null) => {
    moved.current = true
    setShown({ guide: to, section })
  }
  const titleOf = (id: string) => guides.data?.find((one) => one.id === id)?.title ?? id
  return (
    <aside aria-label="Guide" className={`${styles.panel} ${isOpen ? styles.open : ''}`}>
      <Button
        variant="subtle"
        size="compact-sm"
        leftSection={<IconBook2 size={16} aria-hidden />}
        rightSection={isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        aria-expanded={isOpen}
        onClick={() => {
          chosenOpen = !isOpen
          setByHand(!isOpen)
        }}
      >
        Guide
      </Button>
      {isOpen && (
        <Stack
          gap="sm"
          mt="xs"
          className={styles.scroll}
          ref={box}
          tabIndex={isWide ? 0 : undefined}
          role={isWide ? 'group' : undefined}
          aria-label={isWide ? 'Text of the guide' : undefined}
        >
          <ProblemNotice error={guides.error} />
          {beside.length > 1 && guides.data !== undefined && (
            <Stack gap={2} role="group" aria-label="Guides for this step">
              {beside.map((one) => (
                <Button
                  key={one.guide}
                  variant={one.guide === shown.guide ? 'light' : 'subtle'}
                  aria-pressed={one.guide === shown.guide}
                  size="xs"
                  className={styles.choice}
                  classNames={{ label: styles.choiceLabel }}
                  justify="flex-start"
                  onClick={() => setShown(one)}
                >
                  {titleOf(one.guide)}
                </Button>
              ))}
            </Stack>
          )}
          {guide !== undefined && (
            <>
              <Title order={2} size="h3" id={`${prefix}title`} tabIndex={-1} style={{ outline: 'none' }}>
                {guide.title}
              </Title>
              <OwnValues guide={guide} known={values} typed={typed} onType={setTyped} ask="unknown" />
              <GuideBody
                guide={guide}
                values={{ ...typed, ...values }}
                level={3}
                prefix={prefix}
                hrefOf={(to, section) => `/guides/${to}${section === null ? '' : `#${section}`}`}
                onFollow={follow}
                has={(id) => guides.data?.some((one) => one.id === id) ?? false}
              />
              <Group gap="md">
                <Text
                  size="sm"
                  component={Link}
                  to="/guides/$guide"
                  params={{ guide: guide.id } as never}
                  search={(credential === undefined ? {} : { credential }) as never}
                >
                  Open it on a page of its own
                </Text>
              </Group>
            </>
          )}
        </Stack>
      )}
    </aside>
  )
}
