import type { Provider } from '@keybearer/client'

export const grantWords: Record<string, { short: string; meaning: string }> = {
  authorization_code: { short: 'A person consents', meaning: 'A person signs in at the provider and consents once (authorization code)' },
  device_code: { short: 'By a code elsewhere', meaning: 'A person enters a short code on another device (device code)' },
  client_credentials: { short: 'Without a person', meaning: 'The application speaks for itself, nobody has to consent (client credentials)' },
  jwt_bearer: { short: 'Service account', meaning: 'A signed statement takes the place of a person (JWT bearer)' },
}

export const grantTitle = (grant: string): string => grantWords[grant]?.short ?? grant

export const categoryTitle = (category: string): string => category.charAt(0).toUpperCase() + category.slice(1).replaceAll(/[_-]/g, ' ')

/** An address that may become a link: a description that somebody typed must not run a program in this page. */
export const linkOf = (address: string | undefined): string | null => (address !== undefined && /^https?:\/\//i.test(address) ? address : null)

export const endpointsOf = (description: Provider): [string, string | undefined][] => [
  ['Issuer', description.issuer],
  ['Authorization', description.authorization_endpoint],
  ['Pushed authorization', description.pushed_authorization_request_endpoint],
  ['Token', description.token_endpoint],
  ['Refresh', description.refresh_endpoint],
  ['Revocation', description.revocation_endpoint],
  ['Device authorization', description.device_authorization_endpoint],
  ['Who signed in (userinfo)', description.userinfo_endpoint],
  ['Keys (JWKS)', description.jwks_uri],
  ['Metadata', description.discovery_url],
]

/** "1 hour", "180 days": a length of time in the largest unit that fits. */
export function duration(seconds: number): string {
  const units: [string, number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ]
  const [name, size] = units.find(([, length]) => seconds >= length * 0.99) ?? ['second', 1]
  const count = Math.round(seconds / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** A beginning for a description that is written by hand. */
export const exampleDescription = `{
  "id": "example",
  "version": 1,
  "name": "Example",
  "authorization_endpoint": "https://login.example.org/oauth/authorize",
  "token_endpoint": "https://login.example.org/oauth/token",
  "grants": ["authorization_code"],
  "client_auth": ["client_secret_basic"],
  "default_scopes": ["offline_access"],
  "hosts": ["api.example.org"]
}
`
