import { Anchor, List, Paper, Stack, Text } from '@mantine/core'
import type { Provider, Registration } from '@keybearer/client'
import { IconExternalLink } from '@tabler/icons-react'
import { CopyField } from '../elements/copy-field.tsx'
import { Notice } from '../elements/notice.tsx'
import { spokenName } from './provider-name.ts'

/** The address that has to stand at the provider, exactly, before anybody can consent. */
export function RedirectPanel({ registration, provider }: { registration: Registration; provider: Provider | null }) {
  if (!registration.own_redirect) {
    return (
      <Notice color="gray" title="Nothing has to be entered at the provider">
        This client belongs to another application. After the sign-in the browser ends at <span className="mono">{registration.redirect_uri}</span>, where
        nothing answers: copy the whole address from there and paste it back.
      </Notice>
    )
  }
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <CopyField
          label="Redirect URI"
          description={`Enter this address at ${spokenName(provider)}, in the client registration, exactly as it stands. Without it the provider refuses every sign-in.${provider?.fields.redirect_uri?.where === undefined ? '' : ` Where to enter it: ${provider.fields.redirect_uri.where}.`}`}
          value={registration.redirect_uri}
        />
        {provider !== null && provider.redirect_rules.length > 0 && (
          <div>
            <Text size="sm" fw={600}>
              What {spokenName(provider)} takes
            </Text>
            <List size="sm">
              {provider.redirect_rules.map((rule) => (
                <List.Item key={rule}>{rule}</List.Item>
              ))}
            </List>
          </div>
        )}
        <OutsideLink href={provider?.console_url} title={`Open the console of ${spokenName(provider)}`} />
      </Stack>
    </Paper>
  )
}

/** A link that leaves Keybearer; the other side learns nothing of where it was clicked. */
export function OutsideLink({ href, title }: { href: string | undefined; title: string }) {
  if (href === undefined || !/^https?:\/\//.test(href)) return null
  return (
    <Anchor href={href} target="_blank" rel="noopener noreferrer" size="sm" w="fit-content">
      {title} <IconExternalLink size={14} aria-label="(opens a new tab)" style={{ verticalAlign: '-2px' }} />
    </Anchor>
  )
}
