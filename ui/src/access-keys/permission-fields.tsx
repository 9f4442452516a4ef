import { ActionIcon, Button, Checkbox, Group, Input, Paper, Stack } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { CredentialSelect } from '../elements/credential-select.tsx'
import { everything, rights, type Right } from './rights.ts'

export type PermissionDraft = { key: string; credential: string | null; rights: Right[] }

type Props = {
  /** Whether somebody tried to go on: what is missing is named from then on. */
  isChecked: boolean
  permissions: PermissionDraft[]
  errors: Record<string, string>
  onChange: (permissions: PermissionDraft[]) => void
}

/** Which credentials, and what may be done with each. */
export function PermissionFields({ isChecked, permissions, errors, onChange }: Props) {
  const change = (key: string, part: Partial<PermissionDraft>) =>
    onChange(permissions.map((permission) => (permission.key === key ? { ...permission, ...part } : permission)))
  return (
    <Input.Wrapper label="Credentials" description="What the key may do with which credential" labelElement="div" error={errors.permissions}>
      <Stack gap="sm" mt={6}>
        {permissions.map((permission, index) => {
          const errorOf = (field: string) =>
            Object.entries(errors).find(([path]) => path === `permissions.${index}.${field}` || path.startsWith(`permissions.${index}.${field}.`))?.[1]
          return (
            <Paper key={permission.key} withBorder p="sm" role="group" aria-label={`Credential ${index + 1}`}>
              <Group gap="xs" wrap="nowrap" align="flex-start" mb="xs">
                <CredentialSelect
                  aria-label="Credential"
                  placeholder="Choose a credential"
                  more={[{ value: everything, label: 'All credentials' }]}
                  value={permission.credential}
                  onPick={(credential) => change(permission.key, { credential })}
                  error={errorOf('credential') ?? (isChecked && permission.credential === null ? 'Choose one, or remove it' : undefined)}
                  flex={1}
                />
                <ActionIcon
                  variant="default"
                  size={36}
                  aria-label={`Remove credential ${index + 1}`}
                  onClick={() => onChange(permissions.filter((one) => one.key !== permission.key))}
                >
                  <IconTrash size={16} />
                </ActionIcon>
              </Group>
              <Checkbox.Group
                aria-label="Rights"
                value={permission.rights}
                onChange={(value) => change(permission.key, { rights: value })}
                error={errorOf('rights') ?? (permission.credential !== null && permission.rights.length === 0 ? 'Tick at least one, or remove it' : undefined)}
              >
                <Stack gap={8}>
                  {rights.map((right) => (
                    <Checkbox key={right.value} value={right.value} label={right.title} description={right.meaning} size="sm" />
                  ))}
                </Stack>
              </Checkbox.Group>
            </Paper>
          )
        })}
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...permissions, { key: crypto.randomUUID(), credential: null, rights: permissions.at(-1)?.rights ?? ['read'] }])}
        >
          Another credential
        </Button>
      </Stack>
    </Input.Wrapper>
  )
}
