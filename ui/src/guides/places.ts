/** Every value that a guide may have a place for: what it is called, and what it is where that is not plain. `unknown`: no field of Keybearer has it. */
export const placeTitles = {
  name: { title: 'Name of the credential' },
  registration: { title: 'Name of the registration' },
  client_id: { title: 'Client ID' },
  tenant: { title: 'Tenant' },
  mailbox: { title: 'Mailbox' },
  shared_mailbox: { title: 'Shared mailbox', unknown: true },
  redirect_uri: { title: 'Redirect URI', meaning: 'Known as soon as the credential is saved.' },
  scopes: { title: 'Scopes' },
  provider: { title: 'Provider' },
  smtp_host: { title: 'Mail server' },
  issuer: { title: 'Issuer address' },
  authorization_endpoint: { title: 'Authorization address' },
  token_endpoint: { title: 'Token address' },
  api_host: { title: 'Server that the token is for' },
  object_id: { title: 'Object ID', unknown: true, meaning: 'Of your application under Enterprise applications; the one under App registrations is another.' },
  secret_end: { title: 'Last day of the secret' },
  json_file: { title: 'JSON file', unknown: true },
  recipient: { title: 'Your own mail address', unknown: true, meaning: 'Where a test message goes.' },
} as const

export type PlaceName = keyof typeof placeTitles
/** What is known of a credential, by place. */
export type PlaceValues = Partial<Record<PlaceName, string>>
/** The example that stands for each place in the text of a guide. */
export type Places = Partial<Record<PlaceName, string>>

/** A piece of code: as it stands, or a place that is filled in or still shows its example. */
export type Piece = { text: string; place?: PlaceName; isExample?: boolean }

/**
 * Reads the places of a guide: a comment below its title names each with the example that stands for it in the text.
 * So the page in docs/guide can be read as it is, and the web page puts in what this credential has.
 */
export function readPlaces(text: string): Places {
  const header = /<!-- values\n([\s\S]*?)\n-->/.exec(text)?.[1] ?? ''
  const lines = header.split('\n').map((line) => /^(\w+) = (.+)$/.exec(line))
  return Object.fromEntries(lines.filter((line) => line !== null && Object.hasOwn(placeTitles, line[1]!)).map((line) => [line![1]!, line![2]!.trim()]))
}

/** Takes away what is for readers of the file only: how to replace the examples. */
export const withoutPaperWords = (text: string): string => text.replace(/<!-- on paper -->[\s\S]*?<!-- \/on paper -->\n?/g, '')

/**
 * Cuts code at its places and fills in what is known.
 *
 * Invariant: whatever a value is, a pasted line does with it what it would do with the example. A value that is more than
 * plain signs is quoted in the way of the shell; between quotes that stand in the guide, and where no quotes are known, the
 * example stays.
 */
export function fillCode(code: string, language: string, places: Places, values: PlaceValues): Piece[] {
  const names = (Object.keys(places) as PlaceName[]).sort((one, other) => places[other]!.length - places[one]!.length)
  if (names.length === 0) return [{ text: code }]
  const pattern = new RegExp(`(?<![\\w.@-])(?:${names.map((name) => `(${escapePattern(places[name]!)})`).join('|')})(?![\\w@-]|\\.\\w)`, 'g')
  const pieces: Piece[] = []
  let at = 0
  for (const match of code.matchAll(pattern)) {
    const name = names[match.slice(1).findIndex((group) => group !== undefined)]!
    if (match.index > at) pieces.push({ text: code.slice(at, match.index) })
    const value = values[name]?.trim() ?? ''
    const filled = value === '' ? null : quoteFor(language, value, code.slice(0, match.index))
    pieces.push(filled === null ? { text: match[0], place: name, isExample: true } : { text: filled, place: name })
    at = match.index + match[0].length
  }
  if (at < code.length) pieces.push({ text: code.slice(at) })
  return pieces
}

export const joined = (pieces: Piece[]): string => pieces.map((piece) => piece.text).join('')

const isPlain = (value: string): boolean => /^[A-Za-z0-9_%+=:,./@-]+$/.test(value) && !value.startsWith('-')

/** Returns the value as it can stand there; null: it cannot. */
function quoteFor(language: string, value: string, before: string): string | null {
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(value)) return null
  if (isPlain(value)) return value
  // What begins with a hyphen would be an option, quoted or not.
  if (value.startsWith('-') || isInQuotes(before.slice(before.lastIndexOf('\n') + 1))) return null
  if (language === 'sh') return `'${value.replaceAll("'", `'\\''`)}'`
  // PowerShell takes the typographic quotes for quotes too: each is doubled.
  if (language === 'powershell') return `'${value.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
  return language === '' ? value : null
}

function isInQuotes(line: string): boolean {
  let open = ''
  for (const sign of line) {
    if (open === '' && (sign === '"' || sign === "'")) open = sign
    else if (sign === open) open = ''
  }
  return open !== ''
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&')
