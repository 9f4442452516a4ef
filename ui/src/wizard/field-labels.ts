import type { Draft } from './draft.ts'

/** The fields of the draft by the names that they have on the page. */
export const fieldLabels: Record<keyof Draft, string> = {
  kind: 'Kind',
  source: 'Provider',
  popular: 'Application',
  provider: 'Provider',
  file: 'JSON file',
  flow: 'Unattended service account flow',
  registration: 'Client registration',
  registrationName: 'Name of the registration',
  placeholders: 'Values of the provider',
  clientId: 'Client ID',
  clientAuth: 'Client authentication',
  clientSecret: 'Client secret',
  privateKey: 'Private key',
  privateKeyId: 'Key ID',
  certificate: 'Certificate',
  secretExpiresAt: 'Expires on',
  username: 'User',
  actFor: 'Act for',
  secret: 'Secret',
  hosts: 'Servers',
  scopes: 'Scopes',
  audience: 'Audience',
  resource: 'Resource',
  authorizeParameters: 'Parameters of the sign-in',
  tokenParameters: 'Parameters of the token request',
  loginHint: 'Sign-in hint',
  assumedLifetime: 'Life of an access token',
  consentLifetime: 'In testing at the provider',
  name: 'Name',
  description: 'Description',
  tags: 'Tags',
}

export const labelOfField = (path: string): string => {
  const [field, part] = path.split('.')
  return part ?? fieldLabels[field as keyof Draft] ?? path
}
