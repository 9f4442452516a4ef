import {
  ActionIcon,
  Anchor,
  AppShell,
  Badge,
  Burger,
  Button,
  Group,
  Kbd,
  Menu,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
  UnstyledButton,
  VisuallyHidden,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { eventTypes } from '@keybearer/client'
import {
  IconAddressBook,
  IconBolt,
  IconCalendarTime,
  IconHistory,
  IconInbox,
  IconKey,
  IconListSearch,
  IconMailForward,
  IconMoon,
  IconPlugConnected,
  IconSearch,
  IconSend,
  IconSettings,
  IconSun,
  IconUser,
  IconUsers,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { api } from '../api/client.ts'
import { startLive, stopLive, useConnection } from '../api/live.ts'
import { includesRole, useSession, type Role } from '../api/session.ts'
import { MessageBox } from '../elements/message-box.tsx'
import { Waiting } from '../elements/waiting.tsx'
import { SignIn } from '../sign-in/sign-in.tsx'
import { Confirmation } from '../sign-in/confirmation.tsx'
import { SessionEnded } from '../sign-in/session-ended.tsx'
import { signOut } from '../sign-in/sign-out.ts'
import { closeFind, Find, openFind } from './find.tsx'
import { KeyHelp, useSingleKeys } from './single-keys.tsx'

const places = [
  { path: '/credentials', title: 'Credentials', icon: IconKey },
  { path: '/registrations', title: 'Registrations', icon: IconAddressBook, role: 'manager' },
  { path: '/providers', title: 'Providers', icon: IconListSearch },
  { path: '/calendar', title: 'Expiry calendar', icon: IconCalendarTime },
  { path: '/senders', title: 'Senders', icon: IconSend, role: 'manager' },
  { path: '/email-options', title: 'Email options', icon: IconMailForward, role: 'manager' },
  { path: '/outbox', title: 'Outbox', icon: IconInbox, role: 'manager' },
  { path: '/actions', title: 'Actions', icon: IconBolt, role: 'manager' },
  { path: '/access-keys', title: 'Access keys', icon: IconPlugConnected, role: 'administrator' },
  { path: '/audit', title: 'Audit', icon: IconHistory, role: 'administrator' },
  { path: '/persons', title: 'Persons', icon: IconUsers, role: 'administrator' },
  { path: '/settings', title: 'Settings & health', icon: IconSettings, role: 'manager' },
] as const

/** The frame of every page: where one is, where one can go, whether the service is there. Nobody sees it without a sign-in. */
export function Shell() {
  const session = useSession()
  const person = session.data?.person ?? null
  useEffect(() => {
    if (person !== null) startLive(eventTypes)
    else stopLive()
  }, [person?.id])
  if (session.data === undefined) return session.isError ? <ServiceAway error /> : <Waiting>Asking the service who you are</Waiting>
  const shown = person ?? session.data.last_person
  return shown === null ? <SignIn session={session.data} /> : <Frame person={shown} ended={person === null} />
}

function Frame({ person, ended }: { person: { name: string; role: Role }; ended: boolean }) {
  const [opened, nav] = useDisclosure(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const keys = useSingleKeys()
  useEffect(() => nav.close(), [path])
  useEffect(() => {
    if (ended) closeFind()
  }, [ended])
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }} padding={{ base: 'sm', sm: 'lg' }}>
      <a className="skip-link" href="#content">
        To the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={opened} onClick={nav.toggle} hiddenFrom="sm" size="sm" aria-label={opened ? 'Close the menu' : 'Open the menu'} />
            <Anchor component={Link} to="/credentials" underline="never" c="inherit" aria-label="Keybearer, to the credentials">
              <Group gap={8} wrap="nowrap">
                <img src="/assets/icon.svg" alt="" width={26} height={26} />
                <Text fw={700} visibleFrom="xs">
                  Keybearer
                </Text>
              </Group>
            </Anchor>
          </Group>
          <FindButton />
          <Group gap={6} wrap="nowrap">
            <ColourScheme />
            <Menu position="bottom-end" width={220}>
              <Menu.Target>
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<IconUser size={16} aria-hidden />}
                  aria-label={`Signed in as ${person.name}`}
                  maw={{ base: 96, xs: 220 }}
                >
                  <Text span size="xs" truncate>
                    {person.name}
                  </Text>
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>{person.role}</Menu.Label>
                <Menu.Item component={Link} to="/profile">
                  My sign-in
                </Menu.Item>
                <Menu.Item onClick={keys.help}>Keys</Menu.Item>
                <Menu.Divider />
                <Menu.Item onClick={() => void signOut()}>Sign out</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <AppShell.Section grow component={ScrollArea}>
          {places
            .filter((place) => includesRole(person.role, 'role' in place ? place.role : undefined))
            .map((place) => (
              <NavLink
                key={place.path}
                component={Link}
                to={place.path}
                label={place.title}
                leftSection={<place.icon size={18} aria-hidden />}
                active={path === place.path || path.startsWith(`${place.path}/`)}
                aria-current={path === place.path ? 'page' : undefined}
                rightSection={place.path === '/credentials' ? <AttentionCount /> : undefined}
                bdrs="sm"
              />
            ))}
        </AppShell.Section>
        <AppShell.Section p="xs">
          <Version />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {!ended && <ServiceAway />}
        <Outlet />
      </AppShell.Main>
      <Find />
      <KeyHelp opened={keys.opened} onClose={keys.close} />
      <Confirmation />
      <SessionEnded opened={ended} name={person.name} />
    </AppShell>
  )
}

function FindButton() {
  return (
    <UnstyledButton onClick={openFind} aria-keyshortcuts="Control+K /" bd="1px solid var(--page-line)" bdrs="md" px="sm" h={32} flex="0 1 340px" miw={44}>
      <Group gap="xs" wrap="nowrap" justify="space-between">
        <Group gap={6} wrap="nowrap">
          <IconSearch size={16} aria-hidden />
          <VisuallyHidden>Quick find</VisuallyHidden>
          <Text size="sm" c="dimmed" visibleFrom="xs" aria-hidden>
            Find
          </Text>
        </Group>
        <Kbd size="xs" visibleFrom="sm" aria-hidden>
          Ctrl K
        </Kbd>
      </Group>
    </UnstyledButton>
  )
}

function ColourScheme() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const label = dark ? 'Light colours' : 'Dark colours'
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size={30} aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={16} /> : <IconMoon size={16} />}
      </ActionIcon>
    </Tooltip>
  )
}

/** Says that the page is waiting for the service, and that it will catch up by itself. */
function ServiceAway({ error = false }: { error?: boolean }) {
  const connection = useConnection()
  if (!error && connection !== 'away') return null
  return (
    <MessageBox tone="warning" role="status" mb="md" title="The service does not answer">
      What you see is from before. The page tries again by itself and catches up; nothing you typed is lost.
    </MessageBox>
  )
}

function AttentionCount() {
  const { data } = useQuery({ queryKey: ['counts', {}], queryFn: () => api.countCredentials() })
  const count = data === undefined ? 0 : data.by_status.needs_consent + data.by_status.misconfigured + data.by_status.expiring
  if (count === 0) return null
  return (
    <Badge size="sm" color="orange.5" variant="filled" autoContrast aria-label={`${count} need attention`}>
      {count > 999 ? '999+' : count}
    </Badge>
  )
}

function Version() {
  const { data } = useQuery({ queryKey: ['status'], queryFn: () => api.getStatus(), staleTime: 300_000 })
  return (
    <Text size="xs" c="dimmed">
      {data === undefined ? ' ' : `Version ${data.version}`}
    </Text>
  )
}
