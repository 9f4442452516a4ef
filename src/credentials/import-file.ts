import type { Secret } from '../base/secret.ts'
import { Problem } from '../base/problem.ts'
import { decryptWithPassphrase, isAgeFile } from '../crypto/passphrase-file.ts'
import { looksLikeCsv, readCredentialTable } from './import-csv.ts'
import { damaged, type ImportFormat, type ProviderLookup, type ReadFile } from './import-draft.ts'
import { looksLikeGoogle, looksLikeMutt, readGoogleFile, readMuttFile } from './import-json.ts'
import { looksLikeProxy, readProxyAccounts } from './import-proxy.ts'
import { isEncryptedRclone, looksLikeRclone, readRcloneRemotes } from './import-rclone.ts'
import { readIni } from './ini-file.ts'
import { readPortableFile } from './portable-file.ts'

/**
 * Reads a file of any kind that is known, or of the one that was said.
 *
 * @throws Problem import_invalid when it is damaged, foreign, or of another kind than was said; import_passphrase
 */
export async function readImportFile(
  content: Secret,
  order: { passphrase?: Secret; format: ImportFormat | 'auto' },
  lookup: ProviderLookup,
): Promise<ReadFile> {
  const sealed = content.reveal()
  if (isAgeFile(sealed)) {
    if (order.passphrase === undefined) throw new Problem('import_passphrase', 'The file is encrypted.')
    const file = asObject(parse(await decryptWithPassphrase(sealed, order.passphrase)))
    return { format: expect('keybearer', order.format), ...readPortableFile(ownFile(file), true) }
  }
  const text = sealed.replace(/^\ufeff/, '')
  refuseEncrypted(text)
  const first = firstLine(text)
  if (/^\[[^\]{}"]+\]$/.test(first)) return readSections(text, order.format, lookup)
  if (first.startsWith('{') || first.startsWith('[')) return readJson(asObject(parse(text)), order.format, lookup)
  if (looksLikeCsv(text) || order.format === 'csv') return { format: expect('csv', order.format), drafts: readCredentialTable(text), providers: [] }
  throw foreign()
}

const foreign = () =>
  damaged(
    'The file is of no kind that is known.',
    [],
    'Known are exports of Keybearer, JSON files of Google, configurations of email-oauth2-proxy and rclone, decrypted token files of mutt_oauth2.py, and CSV tables with the columns name and kind.',
  )

/** Returns the first line that says something. */
const firstLine = (text: string): string =>
  text
    .slice(0, 100_000)
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';')) ?? ''

/** Files that other programs encrypted, and how they are opened. */
function refuseEncrypted(text: string): void {
  if (isEncryptedRclone(text)) {
    throw damaged(
      "The configuration of rclone is encrypted with rclone's password.",
      [],
      'Decrypt it: rclone config show > remotes.conf, import that file, and remove it.',
    )
  }
  // A program that reads a binary file as text leaves this sign where bytes are no text.
  // eslint-disable-next-line no-control-regex
  if (/-----BEGIN PGP MESSAGE-----/.test(text) || /[\ufffd\u0000-\u0008\u000e-\u001f]/.test(text)) {
    throw damaged(
      'The file is encrypted, or no text at all.',
      [],
      'A token file of mutt_oauth2.py is encrypted with GnuPG: decrypt it with gpg --decrypt FILE > token.json, import that file, and remove it.',
    )
  }
}

function readJson(file: Record<string, unknown>, wanted: ImportFormat | 'auto', lookup: ProviderLookup): ReadFile {
  if (file.format === 'keybearer-export') return { format: expect('keybearer', wanted), ...readPortableFile(file, false) }
  if (looksLikeGoogle(file)) return { format: expect('google', wanted), drafts: readGoogleFile(file), providers: [] }
  if (looksLikeMutt(file)) return { format: expect('mutt_oauth2', wanted), drafts: readMuttFile(file, lookup), providers: [] }
  throw foreign()
}

function readSections(text: string, wanted: ImportFormat | 'auto', lookup: ProviderLookup): ReadFile {
  const sections = readIni(text)
  if (looksLikeRclone(sections)) return { format: expect('rclone', wanted), drafts: readRcloneRemotes(sections, lookup), providers: [] }
  if (looksLikeProxy(sections)) return { format: expect('email_oauth2_proxy', wanted), drafts: readProxyAccounts(sections, lookup), providers: [] }
  throw foreign()
}

function ownFile(file: Record<string, unknown>): Record<string, unknown> {
  if (file.format !== 'keybearer-export') throw damaged('The encrypted file is no export of Keybearer.')
  return file
}

function expect(found: ImportFormat, wanted: ImportFormat | 'auto'): ImportFormat {
  if (wanted === 'auto' || wanted === found) return found
  throw damaged(`The file is of the format ${found}, not ${wanted}.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes the text around the error, which may be a secret.
    throw damaged('The file is not valid JSON: it is damaged or cut off.')
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('The file does not hold a JSON object.')
  return value as Record<string, unknown>
}
