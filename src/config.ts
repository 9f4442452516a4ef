import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isLoopback } from './base/addresses.ts'
import { logLevels, type LogLevel } from './base/log.ts'
import { nearest } from './base/nearest.ts'
import { Problem } from './base/problem.ts'
import { Secret } from './base/secret.ts'
import { relaySettings } from './config/relay-settings.ts'
import { isNetwork, list, networks, path, setting, wholeNumber, type Environment, type Setting } from './config/setting.ts'

const environmentNames = (text: string): string[] => {
  const names = list(text)
  const wrong = names.find((name) => !/^[A-Za-z_]\w{0,99}$/.test(name) || /^KEYBEARER_/i.test(name))
  if (wrong !== undefined) throw new Error(`must be names of variables other than KEYBEARER_…; "${wrong.slice(0, 50)}" is not`)
  return names
}
const privateNetworks = (text: string): true | string[] => {
  if (text === 'true' || text === 'false') return text === 'true' ? true : []
  const entries = list(text)
  const wrong = entries.find((entry) => !isNetwork(entry) && !/^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?(?::\d{1,5})?$/i.test(entry))
  if (wrong !== undefined) throw new Error(`must be true, false, or hosts, host:port and networks such as 10.0.0.0/8; "${wrong.slice(0, 50)}" is not`)
  return entries
}
const folder = (environment: Environment, variable: string, otherwise: string): string =>
  join(
    environment[variable] !== undefined && environment[variable] !== '' ? environment[variable] : join(environment.HOME ?? homedir(), otherwise),
    'keybearer',
  )

/** Every setting of the program. The reference page is made from this table. */
export const settingsTable = {
  KEYBEARER_DATA: setting({
    parse: path,
    fallback: (environment) => folder(environment, 'XDG_DATA_HOME', '.local/share'),
    shownDefault: '$XDG_DATA_HOME/keybearer',
    sentence: 'Folder of the embedded database.',
  }),
  KEYBEARER_CONFIG: setting({
    parse: path,
    fallback: (environment) => folder(environment, 'XDG_CONFIG_HOME', '.config'),
    shownDefault: '$XDG_CONFIG_HOME/keybearer',
    sentence: "Folder of the master key file and of the local command line's access key. It must not lie in the data folder.",
  }),
  KEYBEARER_HOST: setting({
    parse: path,
    fallback: () => '127.0.0.1',
    shownDefault: '127.0.0.1',
    sentence: 'Address to listen on. Put a reverse proxy with TLS before any other than loopback.',
  }),
  KEYBEARER_PORT: setting({ parse: wholeNumber(0, 65_535), fallback: () => 7420, shownDefault: '7420', sentence: 'Port to listen on; 0 takes a free one.' }),
  KEYBEARER_PUBLIC_URL: setting<string | null>({
    parse: publicUrl,
    fallback: () => null,
    shownDefault: 'http://127.0.0.1:PORT',
    sentence: 'Where browsers reach the service: redirect URIs are made from it. https, unless it is loopback.',
  }),
  KEYBEARER_ALLOWED_HOSTS: setting({
    parse: list,
    fallback: () => [],
    shownDefault: '(none)',
    sentence: 'Further host names that requests may carry in their Host header.',
  }),
  KEYBEARER_TRUSTED_PROXIES: setting({
    parse: networks,
    fallback: () => [],
    shownDefault: '(none)',
    sentence: 'Addresses of reverse proxies whose X-Forwarded-For is believed.',
  }),
  KEYBEARER_DATABASE_URL: setting<Secret | null>({
    parse: databaseUrl,
    fallback: () => null,
    shownDefault: '(embedded)',
    secret: true,
    sentence: 'PostgreSQL to use instead of the embedded database, postgres://…; several nodes may share it.',
  }),
  KEYBEARER_MASTER_KEY: setting<Secret | null>({
    parse: (text) => new Secret(text),
    fallback: () => null,
    shownDefault: '(key file)',
    secret: true,
    sentence: 'Master key: 32 bytes in base64 or hex, or lines kbm1:VERSION:BASE64.',
  }),
  KEYBEARER_MASTER_KEY_PASSPHRASE: setting<Secret | null>({
    parse: (text) => new Secret(text),
    fallback: () => null,
    shownDefault: '(none)',
    secret: true,
    sentence: 'Passphrase that the master key is derived from (argon2id), instead of a key.',
  }),
  KEYBEARER_LOG_LEVEL: setting<LogLevel>({
    parse: (text) => {
      if (!(logLevels as readonly string[]).includes(text)) throw new Error(`must be one of ${logLevels.join(', ')}`)
      return text as LogLevel
    },
    fallback: () => 'info',
    shownDefault: 'info',
    sentence: `How much is written to the log: ${logLevels.join(', ')}.`,
  }),
  KEYBEARER_CA_FILE: setting<string | null>({
    parse: path,
    fallback: () => null,
    shownDefault: '(none)',
    sentence: 'PEM file of further certificate authorities for outgoing connections.',
  }),
  KEYBEARER_ALLOW_PRIVATE_NETWORKS: setting<true | string[]>({
    parse: privateNetworks,
    fallback: () => [],
    shownDefault: 'false',
    sentence: 'Private and loopback addresses that outgoing connections may go to: true for all, or hosts, host:port and networks.',
  }),
  KEYBEARER_PROVIDERS: setting<string | null>({
    parse: path,
    fallback: () => null,
    shownDefault: '(none)',
    sentence: 'Folder of further provider files, in the form of the catalogue.',
  }),
  KEYBEARER_POPULAR_CONFIGURATIONS: setting<boolean>({
    parse: (text) => {
      if (text !== 'true' && text !== 'false') throw new Error('must be true or false')
      return text === 'true'
    },
    fallback: () => false,
    shownDefault: 'false',
    sentence: 'Whether client registrations of well-known applications may be chosen in place of your own; they may stop working any day.',
  }),
  KEYBEARER_REFRESH_CONCURRENCY: setting({
    parse: wholeNumber(1, 1000),
    fallback: () => 50,
    shownDefault: '50',
    sentence: 'How many tokens one node renews at the same time.',
  }),
  KEYBEARER_MAIL_MAX_BYTES: setting({
    parse: wholeNumber(1000, 150_000_000),
    fallback: () => 26_214_400,
    shownDefault: '26214400',
    sentence: 'Largest message in bytes, attachments included.',
  }),
  KEYBEARER_MAIL_MAX_AGE_HOURS: setting({
    parse: wholeNumber(1, 720),
    fallback: () => 72,
    shownDefault: '72',
    sentence: 'Hours after which a message that could not be sent fails for good.',
  }),
  KEYBEARER_MAIL_KEEP_DAYS: setting({
    parse: wholeNumber(1, 3650),
    fallback: () => 30,
    shownDefault: '30',
    sentence: 'Days for which a message stays in the outbox after it was sent, failed or cancelled.',
  }),
  KEYBEARER_MAIL_FALLBACK_MINUTES: setting({
    parse: wholeNumber(0, 1440),
    fallback: () => 10,
    shownDefault: '10',
    sentence: 'Minutes that a mail server must be out of reach before a fallback of the email options is used for that.',
  }),
  ...relaySettings,
  KEYBEARER_SENDMAIL_SPOOL: setting({
    parse: path,
    fallback: (environment) => join(folder(environment, 'XDG_STATE_HOME', '.local/state'), 'spool'),
    shownDefault: '$XDG_STATE_HOME/keybearer/spool',
    sentence: 'Folder in which `keybearer sendmail` keeps messages while the service is away; a service of the same user hands them in.',
  }),
  KEYBEARER_SENDMAIL_ALIASES: setting({
    parse: path,
    fallback: () => '/etc/aliases',
    shownDefault: '/etc/aliases',
    sentence: 'File that says for `keybearer sendmail` where mail for names of this machine goes, such as "root: you@example.com".',
  }),
  KEYBEARER_ACTION_ENVIRONMENT: setting({
    parse: environmentNames,
    fallback: () => [],
    shownDefault: '(none)',
    sentence: "Names of environment variables that the texts of actions may use as env.NAME; Keybearer's own are not among them.",
  }),
  KEYBEARER_DELETED_DAYS: setting({
    parse: wholeNumber(0, 3650),
    fallback: () => 30,
    shownDefault: '30',
    sentence: 'Days that a deleted credential can be restored before it is destroyed with the key of its secret; 0: it is destroyed at once.',
  }),
  KEYBEARER_UNUSED_DAYS: setting({
    parse: wholeNumber(0, 3650),
    fallback: () => 90,
    shownDefault: '90',
    sentence: 'Days without a use after which a credential or an access key is switched off until somebody resumes it; 0: never.',
  }),
  KEYBEARER_ACTION_RUNS_DAYS: setting({
    parse: wholeNumber(1, 3650),
    fallback: () => 30,
    shownDefault: '30',
    sentence: 'Days that runs of actions stay in the list after they have ended.',
  }),
  KEYBEARER_NOTIFY_COMMAND: setting<string | null>({
    parse: (text) => {
      if (!text.startsWith('/') || text.includes('\0')) throw new Error('must be the absolute path of a program')
      return text
    },
    fallback: () => null,
    shownDefault: '(none)',
    sentence: 'Program that gets every notice as JSON on its standard input: an absolute path, started without arguments and without a shell.',
  }),
  KEYBEARER_METRICS: setting<'loopback' | 'key' | 'off'>({
    parse: (text) => {
      if (text !== 'loopback' && text !== 'key' && text !== 'off') throw new Error('must be loopback, key or off')
      return text
    },
    fallback: () => 'loopback',
    shownDefault: 'loopback',
    sentence: 'Who may read /metrics: callers on loopback without a key and others with one, only callers with a key, or nobody.',
  }),
  KEYBEARER_SESSION_IDLE_MINUTES: setting({
    parse: wholeNumber(1, 43_200),
    fallback: () => 480,
    shownDefault: '480',
    sentence: "Minutes without a request after which a person's session ends.",
  }),
  KEYBEARER_SESSION_MAX_HOURS: setting({
    parse: wholeNumber(1, 2160),
    fallback: () => 168,
    shownDefault: '168',
    sentence: "Hours after which a person's session ends in any case.",
  }),
  KEYBEARER_SIGN_IN_ISSUER: setting<string | null>({
    parse: issuerUrl,
    fallback: () => null,
    shownDefault: '(none)',
    sentence: 'Issuer of the OpenID provider at which persons may sign in to the web page.',
  }),
  KEYBEARER_SIGN_IN_CLIENT_ID: setting<string | null>({
    parse: (text) => text,
    fallback: () => null,
    shownDefault: '(none)',
    sentence: 'Client ID of Keybearer at that provider; its redirect URI is the public address with /oauth/sign-in/callback.',
  }),
  KEYBEARER_SIGN_IN_CLIENT_SECRET: setting<Secret | null>({
    parse: (text) => new Secret(text),
    fallback: () => null,
    shownDefault: '(none)',
    secret: true,
    sentence: 'Client secret of Keybearer at that provider; none for a public client.',
  }),
  KEYBEARER_SIGN_IN_CLAIM: setting({
    parse: (text) => {
      if (!/^[\w.:/-]{1,200}$/.test(text)) throw new Error('must be the name of a claim, such as email or sub')
      return text
    },
    fallback: () => 'email',
    shownDefault: 'email',
    sentence: 'Claim of that provider that holds the name by which the person was invited. An email must be verified there.',
  }),
  KEYBEARER_SIGN_IN_TITLE: setting<string | null>({
    parse: (text) => text.slice(0, 60),
    fallback: () => null,
    shownDefault: '(host of the issuer)',
    sentence: 'Name of that provider on the sign-in page.',
  }),
  KEYBEARER_SHUTDOWN_SECONDS: setting({
    parse: wholeNumber(1, 600),
    fallback: () => 10,
    shownDefault: '10',
    sentence: 'How long a stop waits for what is under way.',
  }),
  KEYBEARER_URL: setting<string | null>({
    parse: serviceUrl,
    fallback: () => null,
    shownDefault: 'http://127.0.0.1:7420',
    sentence: 'Command line: where the service is.',
  }),
  KEYBEARER_ACCESS_KEY: setting<Secret | null>({
    parse: (text) => new Secret(text),
    fallback: () => null,
    shownDefault: '(file access-key in KEYBEARER_CONFIG)',
    secret: true,
    sentence: 'Command line: the access key to call with.',
  }),
} as const

export type SettingName = keyof typeof settingsTable
export type Settings = { [Name in SettingName]: ReturnType<(typeof settingsTable)[Name]['parse']> }
export type EffectiveSetting = { name: SettingName; value: string; source: 'default' | 'environment' | 'file'; secret: boolean }

/**
 * Reads every setting from the environment; each may come from a file instead, by the same name with `_FILE`.
 *
 * @throws Problem settings_invalid with everything that is wrong, unknown names included
 */
export function readSettings(environment: Environment): { settings: Settings; effective: EffectiveSetting[] } {
  const errors: { path: string; message: string }[] = []
  const names = Object.keys(settingsTable) as SettingName[]
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('KEYBEARER_') || names.includes(name.replace(/_FILE$/, '') as SettingName) || names.includes(name as SettingName)) continue
    if (name.startsWith('KEYBEARER_TEST_')) continue
    const near = nearest(name, names)
    errors.push({ path: name, message: `is not a setting${near === null ? '' : `; did you mean ${near}?`}` })
  }
  const values: Record<string, unknown> = {}
  const effective: EffectiveSetting[] = []
  for (const name of names) {
    const row = settingsTable[name] as Setting<unknown>
    try {
      const found = readOne(name, environment)
      // An empty secret is a secret that did not arrive, not one that was left out.
      if (row.secret === true && (found?.text === '' || environment[name] === '')) throw new Error('is empty')
      values[name] = found === null ? row.fallback(environment) : row.parse(found.text)
      effective.push({ name, value: show(values[name]), source: found?.source ?? 'default', secret: row.secret ?? false })
    } catch (error) {
      errors.push({ path: name, message: (error as Error).message })
    }
  }
  if (errors.length > 0) {
    throw new Problem('settings_invalid', errors.map((error) => `${error.path} ${error.message}`).join('; ') + '.', { errors })
  }
  return { settings: values as Settings, effective }
}

function readOne(name: string, environment: Environment): { text: string; source: 'environment' | 'file' } | null {
  const text = environment[name]
  const file = environment[`${name}_FILE`]
  if (text !== undefined && text !== '' && file !== undefined && file !== '') throw new Error(`is set, and ${name}_FILE is set too`)
  if (text !== undefined && text !== '') return { text, source: 'environment' }
  if (file === undefined || file === '') return null
  try {
    return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, ''), source: 'file' }
  } catch (error) {
    throw new Error(`cannot be read from ${file}: ${(error as NodeJS.ErrnoException).code ?? 'error'}`, { cause: error })
  }
}

function show(value: unknown): string {
  if (value instanceof Secret) return '[secret]'
  if (value === null) return ''
  return Array.isArray(value) ? value.join(',') : String(value)
}

function publicUrl(text: string): string {
  const url = httpUrl(text)
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) throw new Error('must begin with https://, unless it is loopback')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw new Error('must not have a path')
  return url.origin
}

function issuerUrl(text: string): string {
  const url = httpUrl(text)
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) throw new Error('must begin with https://, unless it is loopback')
  if (url.search !== '' || url.hash !== '') throw new Error('must not have a query')
  // The issuer is compared letter by letter: it stays as it was written.
  return text
}

function serviceUrl(text: string): string {
  return httpUrl(text).href.replace(/\/$/, '')
}

function httpUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new Error('must be an address such as https://keybearer.example.org')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('must begin with https:// or http://')
  if (url.username !== '' || url.password !== '') throw new Error('must not contain a user name')
  return url
}

function databaseUrl(text: string): Secret {
  if (!/^postgres(?:ql)?:\/\/./.test(text)) throw new Error('must begin with postgres://')
  return new Secret(text)
}

/**
 * Refuses to run where secrets could leak through the runtime itself: certificate checks switched off, a debugger that
 * anybody on the machine may attach to, snapshots of the memory.
 *
 * @throws Problem settings_invalid
 */
export function refuseUnsafeRuntime(environment: Environment, execArgv: readonly string[]): void {
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new Problem('settings_invalid', 'NODE_TLS_REJECT_UNAUTHORIZED=0 switches the check of certificates off.', {
      nextStep: 'Remove it; name the authority of your own certificates by KEYBEARER_CA_FILE.',
    })
  }
  // Node takes quoted options, and _ for - in them.
  const flags = [...execArgv, ...(environment.NODE_OPTIONS ?? '').split(/[\s"]+/)].map((flag) =>
    flag.startsWith('--') ? `--${flag.slice(2).replaceAll('_', '-')}` : flag,
  )
  const unsafe = flags.find((flag) =>
    /^--(?:inspect|heapsnapshot|heap-prof|cpu-prof|abort-on-uncaught-exception|report-|diagnostic-dir|tls-min-v1\.[01]|trace-tls|tls-keylog)/.test(flag),
  )
  if (unsafe !== undefined) {
    throw new Problem('settings_invalid', `The option ${unsafe.split('=')[0]} would let secrets out of the memory of the service.`, {
      nextStep: 'Start without it.',
    })
  }
}
