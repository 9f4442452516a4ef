import { Checkbox, Table, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import type { Credential } from '@keybearer/client'
import { useNavigate } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useRef, useState, type MouseEvent } from 'react'
import { useMay } from '../api/session.ts'
import classes from './credential-table.module.css'
import { CredentialMenu, type MenuPlace } from './credential-menu.tsx'
import { CredentialRow } from './credential-row.tsx'
import type { Filter } from './filter.ts'
import { DeleteCredential } from './delete-credential.tsx'
import { TestResult } from './test-result.tsx'

type Props = {
  rows: Credential[]
  filter: Filter
  onSort: (sort: Filter['sort']) => void
  selected: ReadonlySet<string>
  onSelect: (selected: ReadonlySet<string>) => void
  hasMore: boolean
  isFetchingMore: boolean
  onMore: () => void
}

/** The list: virtual, so that 100,000 rows scroll; by mouse, by keyboard, with a menu on the right button. */
export function CredentialTable({ rows, filter, onSort, selected, onSelect, hasMore, isFetchingMore, onMore }: Props) {
  const navigate = useNavigate()
  const mayManage = useMay('manager')
  const [active, setActive] = useState(0)
  const [menu, setMenu] = useState<MenuPlace | null>(null)
  const [deleting, setDeleting] = useState<Credential | null>(null)
  const [testing, setTesting] = useState<Credential | null>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  /** The row that gets the focus with the next picture. */
  const goingTo = useRef<number | null>(null)
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => 58,
    overscan: 12,
    scrollMargin: body.current?.offsetTop ?? 0,
    getItemKey: (index) => rows[index]!.id,
  })
  const items = virtual.getVirtualItems()
  const first = items[0]
  const last = items.at(-1)

  useEffect(() => {
    if (last !== undefined && last.index >= rows.length - 20 && hasMore && !isFetchingMore) onMore()
  }, [last?.index, rows.length, hasMore, isFetchingMore, onMore])

  const focusRow = useCallback(
    (index: number) => {
      const next = Math.min(Math.max(index, 0), rows.length - 1)
      setActive(next)
      goingTo.current = next
      virtual.scrollToIndex(next, { align: 'auto' })
      requestAnimationFrame(() => {
        if (goingTo.current === next) goingTo.current = null
        body.current?.querySelector<HTMLElement>(`tr[data-index="${next}"]`)?.focus({ preventScroll: true })
      })
    },
    [rows.length, virtual],
  )
  const open = (credential: Credential) => void navigate({ to: '/credentials/$credential', params: { credential: credential.id } })
  const connect = (credential: Credential) => void navigate({ to: '/credentials/$credential/connect', params: { credential: credential.id } })
  const toggle = (credential: Credential) => {
    const next = new Set(selected)
    if (!next.delete(credential.id)) next.add(credential.id)
    onSelect(next)
  }
  const current = rows[active]
  const onCurrent = (work: (credential: Credential) => void) => () => {
    if (current !== undefined && menu === null && deleting === null && testing === null) work(current)
  }
  /** The first step into the list goes to the row where one was; keys that come faster than the pictures each count. */
  const step = (by: number) =>
    focusRow(goingTo.current !== null ? goingTo.current + by : body.current?.contains(document.activeElement) === true ? active + by : active)
  const menuAtRow = (credential: Credential) => {
    const box = body.current?.querySelector<HTMLElement>(`tr[data-index="${rows.indexOf(credential)}"]`)?.getBoundingClientRect()
    // After the key is done with: a menu that opens while it is still on its way is closed by it.
    setTimeout(() => setMenu({ credential, x: (box?.left ?? 0) + 48, y: (box?.top ?? 0) + 34 }))
  }
  useHotkeys([
    ['j', () => step(1)],
    ['k', () => step(-1)],
    ['r', onCurrent((credential) => mayManage && credential.kind === 'oauth2' && connect(credential))],
    ['t', onCurrent((credential) => mayManage && setTesting(credential))],
    ['x', onCurrent((credential) => mayManage && toggle(credential))],
    ['m', onCurrent(menuAtRow)],
  ])

  const allSelected = rows.length > 0 && rows.every((row) => selected.has(row.id))
  return (
    <>
      <Table className={classes.table} aria-label="Credentials" aria-rowcount={hasMore ? -1 : rows.length + 1} highlightOnHover>
        <Table.Thead className={classes.head}>
          <Table.Tr>
            {mayManage && (
              <Table.Th w={36}>
                <Checkbox
                  aria-label="Select all rows shown"
                  checked={allSelected}
                  indeterminate={!allSelected && selected.size > 0}
                  onChange={() => onSelect(allSelected ? new Set() : new Set(rows.map((row) => row.id)))}
                />
              </Table.Th>
            )}
            <SortHead column="name" title="Name" sort={filter.sort} up="name" down="-name" onSort={onSort} />
            <SortHead column="status" title="Status" sort={filter.sort} up="status" onSort={onSort} />
            <Table.Th data-column="user">User</Table.Th>
            <SortHead column="until" title="Until" sort={filter.sort} up="until" onSort={onSort} />
            <SortHead column="used" title="Last used" sort={filter.sort} up="-last_used" down="last_used" onSort={onSort} />
            <Table.Th>Used by</Table.Th>
            <Table.Th w={44}>
              <VisuallyHidden>Menu</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody ref={body}>
          {first !== undefined && first.start - virtual.options.scrollMargin > 0 && (
            <tr aria-hidden style={{ height: first.start - virtual.options.scrollMargin }} />
          )}
          {items.map((item) => (
            <CredentialRow
              key={item.key}
              index={item.index}
              measure={virtual.measureElement}
              credential={rows[item.index]!}
              isActive={item.index === active}
              isSelected={selected.has(rows[item.index]!.id)}
              onFocus={() => setActive(item.index)}
              onOpen={() => open(rows[item.index]!)}
              onToggle={() => toggle(rows[item.index]!)}
              onMove={(by) => focusRow(item.index + by)}
              onMenu={(event: MouseEvent) => setMenu({ credential: rows[item.index]!, x: event.clientX, y: event.clientY })}
              onMenuByKey={() => menuAtRow(rows[item.index]!)}
            />
          ))}
          {last !== undefined && virtual.getTotalSize() - (last.end - virtual.options.scrollMargin) > 0 && (
            <tr aria-hidden style={{ height: virtual.getTotalSize() - (last.end - virtual.options.scrollMargin) }} />
          )}
        </Table.Tbody>
      </Table>
      <CredentialMenu place={menu} onClose={() => setMenu(null)} onDelete={setDeleting} onTest={setTesting} onReturn={() => focusRow(active)} />
      <DeleteCredential credential={deleting} onClose={() => setDeleting(null)} />
      <TestResult credential={testing} onClose={() => setTesting(null)} />
    </>
  )
}

type SortHeadProps = { column: string; title: string; sort: Filter['sort']; up: Filter['sort']; down?: Filter['sort']; onSort: (sort: Filter['sort']) => void }

function SortHead({ column, title, sort, up, down, onSort }: SortHeadProps) {
  const state = sort === up ? (up.startsWith('-') ? 'descending' : 'ascending') : sort === down ? (down.startsWith('-') ? 'descending' : 'ascending') : 'none'
  return (
    <Table.Th aria-sort={state} data-column={column}>
      <UnstyledButton fz="sm" fw={700} onClick={() => onSort(sort === up && down !== undefined ? down : up)}>
        {title} <span aria-hidden>{state === 'none' ? '' : state === 'ascending' ? '↑' : '↓'}</span>
      </UnstyledButton>
    </Table.Th>
  )
}
