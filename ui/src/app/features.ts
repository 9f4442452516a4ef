/** Every page and feature that quick find knows: by its words, and by its initials in any order. */
export type Feature = {
  id: string
  title: string
  /** What one would also call it. */
  words?: string
  description: string
  path: string
  /** Who finds it; everybody unless told. */
  role?: 'administrator' | 'manager'
}

export const features: Feature[] = [
  {
    id: 'credentials',
    title: 'API Keys & Credentials',
    words: 'list accounts tokens secrets',
    description: 'Every credential: does it work, until when, who used it last',
    path: '/credentials',
  },
  {
    id: 'new-credential',
    title: 'New Credential',
    words: 'add create connect account wizard',
    description: 'Connect an account, or keep an API key or a password',
    path: '/credentials/new',
    role: 'manager',
  },
  {
    id: 'import',
    title: 'Import Credentials',
    words: 'load json file google rclone mutt csv migrate',
    description: 'From a file of Keybearer or of another program',
    path: '/credentials/import',
    role: 'manager',
  },
  {
    id: 'export',
    title: 'Export Credentials',
    words: 'save backup file',
    description: 'To a file, secrets left out or encrypted',
    path: '/credentials/export',
    role: 'manager',
  },
  {
    id: 'deleted-credentials',
    title: 'Deleted Credentials',
    words: 'restore undelete trash bin recover purge destroy',
    description: 'Bring back what was deleted, or destroy it for good',
    path: '/deleted-credentials',
    role: 'manager',
  },
  {
    id: 'emergency-stop',
    title: 'Emergency Stop',
    words: 'kill switch stolen breach revoke all many off',
    description: 'Switch off many credentials at once, and take their tokens back',
    path: '/emergency-stops',
    role: 'manager',
  },
  {
    id: 'registrations',
    title: 'Registrations',
    words: 'app client id secret oauth application',
    description: 'OAuth client registrations at providers',
    path: '/registrations',
    role: 'manager',
  },
  {
    id: 'providers',
    title: 'Providers',
    words: 'catalogue google microsoft endpoints',
    description: 'What is known of each provider, and your own',
    path: '/providers',
  },
  { id: 'senders', title: 'Senders', words: 'smtp mail server from address', description: 'Ways to send mail', path: '/senders', role: 'manager' },
  {
    id: 'email-options',
    title: 'Email Options',
    words: 'default sender fallback notifications',
    description: 'The default for all outgoing mail, fallbacks, who is told of what',
    path: '/email-options',
    role: 'manager',
  },
  {
    id: 'outbox',
    title: 'Outbox',
    words: 'messages queue mail sent failed',
    description: 'What was sent, what waits, what failed',
    path: '/outbox',
    role: 'manager',
  },
  {
    id: 'actions',
    title: 'Actions',
    words: 'saved send email http request run automation runs',
    description: 'Mails and HTTP requests that are saved under a name, and their runs',
    path: '/actions',
    role: 'manager',
  },
  {
    id: 'new-action',
    title: 'New Action',
    words: 'add create send email http request',
    description: 'Save a mail or an HTTP request, with variables, to run it by name',
    path: '/actions/new',
    role: 'manager',
  },
  {
    id: 'access-keys',
    title: 'Access Keys',
    words: 'kb_ automation permission',
    description: 'What automations call Keybearer with',
    path: '/access-keys',
    role: 'administrator',
  },
  { id: 'persons', title: 'Persons', words: 'users roles invite team', description: 'Who may sign in, and as what', path: '/persons', role: 'administrator' },
  {
    id: 'audit',
    title: 'Audit Trail',
    words: 'log history who did what',
    description: 'Who did what, when, from where',
    path: '/audit',
    role: 'administrator',
  },
  {
    id: 'settings',
    title: 'Settings & Health',
    words: 'doctor version master key backup',
    description: 'Whether the service is well, and how it is set up',
    path: '/settings',
    role: 'manager',
  },
  {
    id: 'calendar',
    title: 'Expiry Calendar',
    words: 'ends dates expires client secrets certificates ics feed subscribe',
    description: 'Everything known to end, and an address for calendar programs',
    path: '/calendar',
  },
  {
    id: 'explain',
    title: 'Explain an Error',
    words: 'paste error text aadsts diagnosis help why failed',
    description: 'What an error text means and what to do',
    path: '/explain',
  },
  {
    id: 'guides',
    title: 'Guides',
    words: 'how to help manual documentation steps tutorial',
    description: 'Step by step: Google, Microsoft 365, shared mailboxes, any provider',
    path: '/guides',
  },
  {
    id: 'profile',
    title: 'My Sign-in',
    words: 'password passkey sessions profile',
    description: 'Password, passkeys and sessions of your own',
    path: '/profile',
  },
]

/** Initials of a title: "API Keys & Credentials" gives a, k, c. */
export const initialsOf = (title: string): string =>
  title
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word[0]!.toLowerCase())
    .join('')

const sorted = (text: string): string => [...text].sort().join('')

/** Says how well a query fits a feature: 0 not at all, more is better. Initials count in any order: AKC and KAC find the same. */
export function fitOf(query: string, feature: { title: string; words?: string; description?: string }): number {
  const wanted = query.trim().toLowerCase()
  if (wanted === '') return 1
  const title = feature.title.toLowerCase()
  if (title === wanted) return 100
  if (/^[\p{L}\p{N}]{2,6}$/u.test(wanted) && sorted(wanted) === sorted(initialsOf(feature.title))) return 90
  if (title.startsWith(wanted)) return 80
  const words = wanted.split(/\s+/)
  const all = `${title} ${feature.words ?? ''} ${feature.description?.toLowerCase() ?? ''}`
  if (words.every((word) => title.includes(word))) return 60
  if (words.every((word) => new RegExp(`(?:^|[^\\p{L}\\p{N}])${escapePattern(word)}`, 'u').test(all))) return 40
  return words.every((word) => all.includes(word)) ? 20 : 0
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
