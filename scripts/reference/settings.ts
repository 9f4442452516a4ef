import { settingsTable, type SettingName } from '../../src/config.ts'
import { code, fence, page, prose, table, target } from './markdown.ts'

type Row = { shownDefault: string; sentence: string; secret?: boolean }

/** Where a setting stands on the page; a new one that is not named here comes under "Further settings". */
const groups: { title: string; names: SettingName[] }[] = [
  {
    title: 'Data and master key',
    names: ['KEYBEARER_DATA', 'KEYBEARER_CONFIG', 'KEYBEARER_DATABASE_URL', 'KEYBEARER_MASTER_KEY', 'KEYBEARER_MASTER_KEY_PASSPHRASE'],
  },
  {
    title: 'Where the service listens',
    names: ['KEYBEARER_HOST', 'KEYBEARER_PORT', 'KEYBEARER_PUBLIC_URL', 'KEYBEARER_ALLOWED_HOSTS', 'KEYBEARER_TRUSTED_PROXIES'],
  },
  {
    title: 'Outgoing connections and providers',
    names: ['KEYBEARER_ALLOW_PRIVATE_NETWORKS', 'KEYBEARER_CA_FILE', 'KEYBEARER_PROVIDERS', 'KEYBEARER_REFRESH_CONCURRENCY'],
  },
  { title: 'Mail', names: ['KEYBEARER_MAIL_MAX_BYTES', 'KEYBEARER_MAIL_MAX_AGE_HOURS'] },
  { title: 'Running', names: ['KEYBEARER_LOG_LEVEL', 'KEYBEARER_METRICS', 'KEYBEARER_SHUTDOWN_SECONDS'] },
  { title: 'Command line', names: ['KEYBEARER_URL', 'KEYBEARER_ACCESS_KEY'] },
]

export function makeSettingsPage(): string {
  const rows = settingsTable as Record<string, Row>
  const grouped = new Set<string>(groups.flatMap(({ names }) => names))
  const further = Object.keys(rows).filter((name) => !grouped.has(name))
  const all = [...groups, ...(further.length > 0 ? [{ title: 'Further settings', names: further }] : [])]
  return page(
    'src/config.ts',
    'Settings',
    'Keybearer needs no settings to start: every one has a default. They come from the environment, and `keybearer settings` shows which value holds and where it comes from.',
    fence('sh', 'KEYBEARER_PORT=8000 KEYBEARER_LOG_LEVEL=debug npm start'),
    'Each setting can be read from a file instead, by the same name with `_FILE` behind it. That is the way for secrets, marked *secret* below: no list of processes and no file of settings shows them then, and `keybearer settings` hides their values.',
    fence('sh', 'KEYBEARER_DATABASE_URL_FILE=/run/secrets/database-url npm start'),
    'A name that begins with `KEYBEARER_` and is not listed here stops the start, and so does a value that cannot be right: the message names everything that is wrong (error [`settings_invalid`](errors.md#settings_invalid)). Lists are separated by commas or spaces.',
    all.flatMap(({ title, names }) => [
      `## ${title}`,
      table(
        ['Setting', 'Default', 'What it does'],
        names.map((name) => {
          const { shownDefault, sentence, secret } = rows[name]!
          const fallback = shownDefault.startsWith('(') ? prose(shownDefault.slice(1, -1)) : code(shownDefault)
          return [`${target(name.toLowerCase())}${code(name)}${secret === true ? ' *secret*' : ''}`, fallback, prose(sentence)]
        }),
      ),
    ]),
  )
}
