import { ActionIcon, Checkbox, Group, Table, Text, Tooltip } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { IconDots } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { KeyboardEvent, MouseEvent } from 'react'
import { useMay } from '../api/session.ts'
import { RelativeTime } from '../elements/relative-time.tsx'
import classes from './credential-table.module.css'
import { NextStepButton } from './next-step-button.tsx'
import { StatusKey, StatusMark } from './status-mark.tsx'
import { countUsers, usersOf } from './used-by.ts'

type Props = {
  index: number
  credential: Credential
  isActive: boolean
  isSelected: boolean
  measure: (node: Element | null) => void
  onFocus: () => void
  onOpen: () => void
  onToggle: () => void
  onMove: (by: number) => void
  onMenu: (event: MouseEvent) => void
  onMenuByKey: () => void
}

/** One credential. Enter and double-click open it, the right button and the menu key show what can be done. */
export function CredentialRow(props: Props) {
  const { credential, index } = props
  const mayManage = useMay('manager')
  const users = countUsers(credential)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return
    const work: Record<string, (() => void) | undefined> = {
      Enter: props.onOpen,
      ' ': mayManage ? props.onToggle : undefined,
      ArrowDown: () => props.onMove(1),
      ArrowUp: () => props.onMove(-1),
      ContextMenu: props.onMenuByKey,
    }
    const action = event.key === 'F10' && event.shiftKey ? props.onMenuByKey : work[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  }
  return (
    <Table.Tr
      ref={props.measure}
      data-index={index}
      data-name={credential.name}
      aria-rowindex={index + 2}
      aria-selected={props.isSelected}
      tabIndex={props.isActive ? 0 : -1}
      className={classes.row}
      onFocus={props.onFocus}
      onKeyDown={onKeyDown}
      onDoubleClick={props.onOpen}
      onContextMenu={(event) => {
        event.preventDefault()
        props.onMenu(event)
      }}
    >
      {mayManage && (
        <Table.Td className={classes.tick}>
          <Checkbox aria-label={`Select ${credential.name}`} checked={props.isSelected} onChange={props.onToggle} />
        </Table.Td>
      )}
      <Table.Th scope="row" className={classes.name}>
        <Group gap={8} wrap="nowrap" align="flex-start">
          <StatusKey status={credential.status} />
          <div className={classes.clip}>
            <Link to="/credentials/$credential" params={{ credential: credential.id }} className={classes.link} tabIndex={-1}>
              <bdi>{credential.name}</bdi>
            </Link>
            <Text size="xs" c="dimmed" truncate fw={400}>
              {[credential.description, credential.provider?.name ?? kindWords[credential.kind]].filter((text) => text !== '').join(' · ')}
            </Text>
          </div>
        </Group>
      </Table.Th>
      <Table.Td className={classes.status}>
        <Group gap={8} wrap="nowrap" align="center">
          <StatusMark status={credential.status} />
          {mayManage && <NextStepButton credential={credential} />}
        </Group>
        {credential.reason !== null && credential.status !== 'ready' && (
          <Text size="xs" c="dimmed" lineClamp={1} title={credential.reason.message} mt={2}>
            {credential.reason.message}
          </Text>
        )}
      </Table.Td>
      <Table.Td className={credential.username === null ? `${classes.user} ${classes.blank}` : classes.user}>
        <Text size="sm" truncate title={credential.username ?? undefined}>
          <bdi>{credential.username ?? ''}</bdi>
        </Text>
      </Table.Td>
      <Table.Td data-label="Until" className={credential.until === null ? classes.blank : undefined}>
        <RelativeTime at={credential.until} empty="–" />
      </Table.Td>
      <Table.Td data-label="Last used" className={credential.last_success_at === null && credential.last_use_outcome === null ? classes.blank : undefined}>
        <Group gap={6} wrap="nowrap">
          {credential.last_use_outcome !== null && (
            <Tooltip label={credential.last_use_outcome === 'ok' ? 'The latest use succeeded' : 'The latest use failed'}>
              <span
                role="img"
                aria-label={credential.last_use_outcome === 'ok' ? 'ok' : 'issue'}
                className={credential.last_use_outcome === 'ok' ? classes.ok : classes.issue}
              >
                {credential.last_use_outcome === 'ok' ? '✓' : '⚠'}
              </span>
            </Tooltip>
          )}
          <RelativeTime at={credential.last_success_at} />
        </Group>
        {credential.last_used_by !== null && (
          <Text size="xs" c="dimmed" truncate>
            by <bdi>{credential.last_used_by.name}</bdi>
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label="Used by" className={users === 0 ? classes.blank : undefined}>
        {users > 0 && (
          <Tooltip label={usersOf(credential).join(', ')}>
            <Text size="sm" truncate span display="block">
              <bdi>{usersOf(credential)[0]}</bdi>
              {users > 1 ? ` +${users - 1}` : ''}
            </Text>
          </Tooltip>
        )}
      </Table.Td>
      <Table.Td className={classes.more}>
        <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${credential.name}`} aria-haspopup="menu" onClick={props.onMenu}>
          <IconDots size={18} />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  )
}

export const kindWords: Record<Credential['kind'], string> = { oauth2: 'OAuth 2.0', api_key: 'API key', basic: 'User and password' }
