import { Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { Credential } from '@keybearer/client'
import {
  IconCopy,
  IconEdit,
  IconEye,
  IconFileExport,
  IconFileImport,
  IconFlask,
  IconLink,
  IconPlayerPause,
  IconPlayerPlay,
  IconSend,
  IconTrash,
} from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useMay } from '../api/session.ts'

export type MenuPlace = { credential: Credential; x: number; y: number }

type Props = {
  place: MenuPlace | null
  onClose: () => void
  onReturn: () => void
  onDelete: (credential: Credential) => void
  onTest: (credential: Credential) => void
}

const icon = { size: 16, 'aria-hidden': true }

/** What can be done with a credential, at the pointer or at its row. */
export function CredentialMenu({ place, onClose, onReturn, onDelete, onTest }: Props) {
  const navigate = useNavigate()
  const mayManage = useMay('manager')
  const credential = place?.credential
  const params = { credential: credential?.id ?? '' }
  const pauseOrResume = () => {
    if (credential === undefined) return
    const paused = credential.status === 'paused'
    ;(paused ? api.resumeCredential : api.pauseCredential)({ params })
      .then(() => notifications.show({ message: `“${credential.name}” ${paused ? 'works again' : 'is paused: nothing gets a token until it is resumed'}.` }))
      .catch((error: Error) => notifications.show({ color: 'red', title: 'That did not work', message: error.message }))
      .finally(() => void queryClient.invalidateQueries({ queryKey: ['credentials'] }))
  }
  return (
    <Menu
      opened={place !== null}
      onChange={(opened) => {
        if (!opened) onClose()
      }}
      onClose={onReturn}
      position="bottom-start"
      width={210}
      trapFocus
      returnFocus={false}
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <div style={{ position: 'fixed', left: place?.x ?? 0, top: place?.y ?? 0, width: 1, height: 1, pointerEvents: 'none' }} aria-hidden />
      </Menu.Target>
      <Menu.Dropdown aria-label={credential?.name ?? ''}>
        <Menu.Item leftSection={<IconEye {...icon} />} onClick={() => void navigate({ to: '/credentials/$credential', params })}>
          Open
        </Menu.Item>
        {mayManage && credential !== undefined && (
          <>
            <Menu.Item leftSection={<IconEdit {...icon} />} onClick={() => void navigate({ to: '/credentials/$credential/edit', params })}>
              Edit
            </Menu.Item>
            {credential.kind === 'oauth2' && (credential.grant === 'authorization_code' || credential.grant === 'device_code') && (
              <Menu.Item leftSection={<IconLink {...icon} />} onClick={() => void navigate({ to: '/credentials/$credential/connect', params })}>
                {credential.has_secret ? 'Reconnect' : 'Connect'}
              </Menu.Item>
            )}
            {credential.kind === 'oauth2' && credential.grant === 'authorization_code' && (
              <Menu.Item
                leftSection={<IconSend {...icon} />}
                onClick={() => void navigate({ to: '/credentials/$credential/connect', params, search: { way: 'link' } as never })}
              >
                Send a link to connect
              </Menu.Item>
            )}
            <Menu.Item leftSection={<IconFlask {...icon} />} onClick={() => onTest(credential)}>
              Test
            </Menu.Item>
            <Menu.Item leftSection={credential.status === 'paused' ? <IconPlayerPlay {...icon} /> : <IconPlayerPause {...icon} />} onClick={pauseOrResume}>
              {credential.status === 'paused' ? 'Resume' : 'Pause'}
            </Menu.Item>
            <Menu.Item leftSection={<IconCopy {...icon} />} onClick={() => void navigate({ to: '/credentials/new', search: { from: credential.id } as never })}>
              Duplicate
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item leftSection={<IconFileImport {...icon} />} onClick={() => void navigate({ to: '/credentials/import' })}>
              Import
            </Menu.Item>
            <Menu.Item
              leftSection={<IconFileExport {...icon} />}
              onClick={() => void navigate({ to: '/credentials/export', search: { credentials: credential.id } as never })}
            >
              Export
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" c="var(--mantine-color-error)" leftSection={<IconTrash {...icon} />} onClick={() => onDelete(credential)}>
              Delete
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
