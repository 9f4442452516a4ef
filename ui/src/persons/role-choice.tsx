import { Radio, Stack, Text } from '@mantine/core'
import { roles, roleWords, type Role } from './roles.ts'

/** A role, with what it may. No role sees secrets or tokens. */
export function RoleChoice({ value, onChange, error }: { value: Role; onChange: (role: Role) => void; error?: string | undefined }) {
  return (
    <Radio.Group label="Role" value={value} onChange={(role) => onChange(role)} error={error}>
      <Stack gap={8} mt={6}>
        {roles.map((role) => (
          <Radio key={role} value={role} label={roleWords[role].title} description={roleWords[role].meaning} />
        ))}
        <Text size="xs" c="dimmed">
          No role sees a secret or a token.
        </Text>
      </Stack>
    </Radio.Group>
  )
}
