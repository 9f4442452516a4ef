import { hostname } from 'node:os'
import { settingText } from './connection.ts'
import type { LocalMessage } from './sendmail-message.ts'
import { SendmailError } from './sysexits.ts'

type Parsed = { address?: string; name?: string; group?: Parsed[] }

const deepest = 10

/** Returns whom To, Cc and Bcc name, or the Resent fields where a message is sent on. @see RFC 5322 section 3.6.6 */
export function namedIn(message: LocalMessage): string[] {
  const of = (prefix: string) => message.fields.filter((field) => ['to', 'cc', 'bcc'].some((name) => field.name === prefix + name))
  const resent = of('resent-')
  return (resent.length > 0 ? resent : of('')).map(({ text }) =>
    Buffer.from(text.slice(text.indexOf(':') + 1), 'latin1')
      .toString('utf8')
      .replace(/\r\n/g, '')
      .trim(),
  )
}

/**
 * Returns the addresses of everybody who is meant, each once. A name of this machine, such as root, is looked up in the file of
 * aliases: there is no mailbox here that it could stand for.
 *
 * @throws SendmailError EX_NOUSER for a name that no alias leads from, EX_USAGE when nobody is left
 */
export async function findRecipients(texts: string[]): Promise<string[]> {
  const found = new Map<string, string>()
  let aliases: Map<string, string> | null = null
  const add = async (text: string, depth: number): Promise<void> => {
    for (const one of await entriesIn(text)) {
      if (/^\\?[|/]|^:include:/.test(one)) throw new SendmailError(`"${one.slice(0, 60)}" is a program or a file, and Keybearer only sends mail.`, 'noUser')
      const local = localName(one)
      if (local === null) {
        found.set(one.toLowerCase(), one)
        continue
      }
      aliases ??= readAliases()
      const target = aliases.get(local.toLowerCase())
      if (target === undefined) throw noAlias(local)
      if (depth >= deepest) throw new SendmailError(`The aliases of "${local}" go round in a circle.`, 'configuration', `Correct them in ${aliasFile()}.`)
      await add(target, depth + 1)
    }
  }
  for (const text of texts) await add(text, 0)
  if (found.size === 0) throw new SendmailError('The message names no recipient.', 'usage', 'Name one in To, Cc or Bcc, or behind the options.')
  return [...found.values()]
}

/** One or several addresses and names out of one word or field. */
async function entriesIn(text: string): Promise<string[]> {
  if (/^[^\s,;:<>()"\\]+$/.test(text) || /^[|/]|^:include:/.test(text)) return [text]
  const { default: addressparser } = await import('nodemailer/lib/addressparser')
  const flat = (entries: Parsed[]): string[] => entries.flatMap((one) => (one.group ? flat(one.group) : [one.address || one.name || '']))
  return flat(addressparser(text) as Parsed[]).filter((one) => one !== '')
}

/** Returns the name that only this machine knows; null for an address. */
function localName(text: string): string | null {
  const at = text.lastIndexOf('@')
  if (at === -1) return text
  const domain = text.slice(at + 1).toLowerCase()
  const isHere = domain === 'localhost' || domain === 'localhost.localdomain' || (!domain.includes('.') && domain === hostname().toLowerCase())
  return isHere ? text.slice(0, at) : null
}

const aliasFile = (): string => settingText('KEYBEARER_SENDMAIL_ALIASES') ?? '/etc/aliases'

/** Reads the lines "name: addresses", long ones folded. @see aliases(5) */
function readAliases(): Map<string, string> {
  const aliases = new Map<string, string>()
  let text: string
  try {
    text = process.getBuiltinModule('node:fs').readFileSync(aliasFile(), 'utf8')
  } catch {
    return aliases
  }
  for (const line of text
    .replace(/^#.*$/gm, '')
    .replace(/\r?\n[ \t]+(?=\S)/g, ' ')
    .split(/\r?\n/)) {
    const [, quoted, plain, target] = /^\s*(?:"([^"]+)"|([^\s:"]+))\s*:\s*(.+?)\s*$/.exec(line) ?? []
    const name = quoted ?? plain
    if (name !== undefined && target !== undefined) aliases.set(name.toLowerCase(), target.replace(/^"(.*)"$/, '$1'))
  }
  return aliases
}

function noAlias(name: string): SendmailError {
  return new SendmailError(
    `"${name.slice(0, 60)}" is a name of this machine, and it is not said where its mail goes.`,
    'noUser',
    `Write a line such as "${/^[\w.+-]+$/.test(name) ? name : 'root'}: you@example.com" in ${aliasFile()}, or name an address.`,
  )
}
