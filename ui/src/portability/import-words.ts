import type { ImportOrder } from '@keybearer/client'

export type Format = NonNullable<ImportOrder['format']>
export type Clash = ImportOrder['on_clash']

export const formats: readonly { value: Format; label: string; hint: string }[] = [
  { value: 'auto', label: 'Find out', hint: 'Found out from the file itself' },
  { value: 'keybearer', label: 'Export of Keybearer', hint: 'Made by “Export” here or on another Keybearer, encrypted or not' },
  { value: 'google', label: 'JSON file of Google', hint: 'client_secret….json, the key of a service account, or authorized_user' },
  { value: 'email_oauth2_proxy', label: 'email-oauth2-proxy', hint: 'Its file emailproxy.config' },
  { value: 'rclone', label: 'rclone', hint: 'Its file rclone.conf, not encrypted' },
  { value: 'mutt_oauth2', label: 'mutt_oauth2.py', hint: 'Its token file, decrypted' },
  {
    value: 'csv',
    label: 'Table (CSV)',
    hint: 'API keys and passwords. The first line names the columns: name, kind, username, secret, description, tags, allowed_hosts',
  },
]

export const clashes: readonly { value: Clash; label: string; description: string }[] = [
  { value: 'skip', label: 'Skip it', description: 'The one that is here stays as it is.' },
  { value: 'rename', label: 'Rename it', description: 'The new one comes under another name, beside the one that is here.' },
  { value: 'replace', label: 'Replace the one that is here', description: 'Its id stays, so whatever uses it goes on with what the file has.' },
]

/** Says whether a text is encrypted in the age format, in its armour. */
export const isEncrypted = (content: string): boolean => content.trimStart().startsWith('-----BEGIN AGE ENCRYPTED FILE-----')

/** As much as the service takes. */
export const mostBytes = 25_000_000
