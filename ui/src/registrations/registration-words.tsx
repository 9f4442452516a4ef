import type { Registration } from '@keybearer/client'
import { Mark } from '../elements/mark.tsx'
import { RelativeTime, useNow } from '../elements/relative-time.tsx'

export const clientAuthWords: Record<Registration['client_auth'], string> = {
  client_secret_basic: 'Client secret, in the header (client_secret_basic)',
  client_secret_post: 'Client secret, in the request (client_secret_post)',
  private_key_jwt: 'Private key (private_key_jwt)',
  none: 'No secret: a public client (none)',
}

const days = 86_400_000

/** How the client proves itself, and whether that ends soon. */
export function SecretState({ registration }: { registration: Registration }) {
  const now = useNow()
  const needsSecret = registration.client_auth.startsWith('client_secret')
  if (registration.client_auth === 'none') return <>None needed</>
  if (needsSecret ? !registration.has_client_secret : !registration.has_private_key) {
    return (
      <Mark color="red" sign="✗">
        {needsSecret ? 'Secret is missing' : 'Key is missing'}
      </Mark>
    )
  }
  const end = needsSecret ? registration.secret_expires_at : (registration.certificate?.expires_at ?? registration.secret_expires_at)
  const word = needsSecret ? 'Secret' : 'Private key'
  if (end === null) return <>{word} is set</>
  const left = Date.parse(end) - now
  return (
    <Mark color={left < 0 ? 'red' : left < 30 * days ? 'orange' : 'teal'} sign={left < 0 ? '✗' : left < 30 * days ? '▲' : '●'}>
      {word} {left < 0 ? 'ended' : 'ends'} <RelativeTime at={end} />
    </Mark>
  )
}
