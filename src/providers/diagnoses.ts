import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnosis, Surface } from '../base/diagnosis.ts'
import { Problem } from '../base/problem.ts'
import { diagnosisFileSchema, type Condition, type DiagnosisEntry, type DiagnosisFile, type DiagnosisValue } from './diagnosis-schema.ts'
import { readFailureText, type FailureText } from './failure-text.ts'

export type DiagnosisValues = Partial<Record<DiagnosisValue, string>>

/** Where a failure was met, as far as it is known. */
export type FailurePlace = { provider?: string; surface?: Surface }

export type Diagnoses = {
  /** Returns the id of what a text means, or null when nothing is known of it. */
  classify(text: string, place?: FailurePlace): string | null
  /** Returns a diagnosis with the values of a credential filled in; null when there is none of this id. */
  describe(id: string, values?: DiagnosisValues): Diagnosis | null
  list(): DiagnosisEntry[]
}

/** A phrase of a recognizable provider that is this long occurs nowhere else. */
const unmistakable = 12

/**
 * Opens the diagnoses in a folder. Its files are read when the first text is to be explained, so that they do not slow the
 * start.
 *
 * Invariant: a diagnosis explains, it decides nothing. Whether something is tried again follows the fields of the protocol, as a
 * provider may change its texts on any day.
 */
export function openDiagnoses(folder: string): Diagnoses {
  let read: { files: DiagnosisFile[]; byId: Map<string, DiagnosisEntry> } | undefined
  const load = () => (read ??= readFiles(folder))
  return {
    classify: (text, place = {}) => classify(load().files, readFailureText(text), place),
    describe(id, values = {}) {
      const entry = load().byId.get(id)
      if (entry === undefined) return null
      const { title, who, action, retry, source } = entry
      const fill = (sentence: string) => fillIn(sentence, values)
      return { id, title, meaning: fill(entry.meaning), causes: entry.causes.map(fill), fix: entry.fix.map(fill), who, action, retry, source }
    },
    list: () => [...load().byId.values()],
  }
}

function readFiles(folder: string): { files: DiagnosisFile[]; byId: Map<string, DiagnosisEntry> } {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'schema.json')
    .sort()
    .map((name) => parseDiagnoses(readFileSync(join(folder, name), 'utf8'), join(folder, name)))
  const byId = new Map<string, DiagnosisEntry>()
  for (const entry of files.flatMap((file) => file.diagnoses)) {
    if (byId.has(entry.id)) throw new Problem('provider_invalid', `${folder}: two diagnoses have the id "${entry.id}".`)
    byId.set(entry.id, entry)
  }
  return { files, byId }
}

/** Checks a file of diagnoses. @throws Problem provider_invalid with every error and where it is */
export function parseDiagnoses(text: string, from: string): DiagnosisFile {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    throw new Problem('provider_invalid', `${from} is not JSON: ${(error as Error).message}.`)
  }
  const result = diagnosisFileSchema.safeParse(raw)
  if (result.success) return result.data
  const errors = result.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }))
  throw new Problem('provider_invalid', `${from}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`, { errors })
}

function classify(files: DiagnosisFile[], text: FailureText, { provider, surface }: FailurePlace): string | null {
  let best: { id: string; rank: number; exact: number } | null = null
  const hinted =
    provider === undefined ? files.filter((file) => file.hints?.some((hint) => text.lower.includes(hint)) === true).map((file) => file.provider) : []
  for (const file of files) {
    const sight = sightOf(file, hinted, provider)
    if (sight === 'none') continue
    for (const entry of file.diagnoses) {
      if (surface !== undefined && !entry.surfaces.includes(surface)) continue
      if (best !== null && entry.rank < best.rank) continue
      const found = Math.max(...entry.match.map((condition) => (sight === 'phrases' && !isUnmistakable(condition) ? 0 : howExactly(text, condition))))
      const exact = found > 0 && surface === undefined && entry.surfaces.some((one) => text.likely.includes(one)) ? found + 100 : found
      if (exact > 0 && (best === null || entry.rank > best.rank || exact > best.exact)) best = { id: entry.id, rank: entry.rank, exact }
    }
  }
  return best?.id ?? null
}

/** Says what of a file counts: all, only what no other provider says, or nothing. */
function sightOf(file: DiagnosisFile, hinted: string[], provider: string | undefined): 'all' | 'phrases' | 'none' {
  if (file.provider === 'any') return 'all'
  if (provider !== undefined) return provider === file.provider || provider.startsWith(`${file.provider}-`) ? 'all' : 'none'
  if (hinted.length > 0) return hinted.includes(file.provider) ? 'all' : 'none'
  return file.recognizable === true ? 'phrases' : 'none'
}

/** Of enhanced status codes the usual ones end in one digit; longer ones are a provider's own. */
const isUnmistakable = ({ aadsts, text, reply, common }: Condition): boolean =>
  common !== true && (aadsts !== undefined || (text?.length ?? 0) >= unmistakable || (reply !== undefined && /\.\d{1,3}\.[\dx]{2,3}$/.test(reply)))

/** Returns 0 when a condition does not hold, and otherwise more the more exact it is. */
function howExactly(text: FailureText, condition: Condition): number {
  let exact = 0
  if (condition.text !== undefined) {
    if (!hasPhrase(text, condition.text)) return 0
    exact += condition.text.length
  }
  if (condition.begin !== undefined) {
    if (!text.plain.startsWith(condition.begin)) return 0
    exact += condition.begin.length
  }
  if (condition.error !== undefined) {
    if (!text.errors.has(condition.error) && !text.words.has(condition.error)) return 0
    exact += text.errors.has(condition.error) ? 50 : condition.error.length
  }
  if (condition.aadsts !== undefined) {
    if (condition.aadsts === 'any' ? text.aadsts.size === 0 : !text.aadsts.has(condition.aadsts)) return 0
    // Of several numbers the first is the reason and the others its circumstances.
    exact += condition.aadsts !== 'any' && [...text.aadsts][0] === condition.aadsts ? 20 : 10
  }
  if (condition.reply !== undefined) {
    if (!hasReply(text, condition.reply)) return 0
    exact += condition.reply.length
  }
  if (condition.status !== undefined) {
    if (![...text.statuses].some((status) => fits(status, condition.status!))) return 0
    exact += 3
  }
  if (condition.html === true) {
    if (!text.isPage) return 0
    exact += 1
  }
  return exact
}

function hasPhrase(text: FailureText, phrase: string): boolean {
  const isCapitals = phrase === phrase.toUpperCase()
  const where = isCapitals ? text.plain : text.lower
  let from = 0
  for (const part of (isCapitals ? phrase : phrase.toLowerCase()).split(' … ')) {
    const at = isCapitals ? wholeWordAt(where, part, from) : where.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return true
}

/** Names such as `EPERM` must not be found inside of others. */
function wholeWordAt(text: string, word: string, from: number): number {
  for (let at = text.indexOf(word, from); at !== -1; at = text.indexOf(word, at + word.length)) {
    if (!/\w\w/.test(text.slice(Math.max(at - 1, 0), at + 1)) && !/\w\w/.test(text.slice(at + word.length - 1, at + word.length + 1))) return at
  }
  return -1
}

function hasReply(text: FailureText, wanted: string): boolean {
  const [first = '', second = ''] = wanted.split(' ')
  const [code, enhanced] = first.includes('.') ? ['', first] : [first, second]
  return text.replies.some((reply) => (code === '' || fits(reply.code, code)) && (enhanced === '' || fits(reply.enhanced, enhanced)))
}

const fits = (found: string, wanted: string): boolean =>
  found.length === wanted.length && [...wanted].every((sign, at) => sign === found[at] || (sign === 'x' && /\d/.test(found[at]!)))

/** What may stand in a line that somebody copies into a terminal: nothing that ends the word or begins another command. */
const harmless: Record<DiagnosisValue, RegExp> = {
  credential: /^[\p{L}\p{N}_][\p{L}\p{N}@._+ -]{0,99}$/u,
  registration: /^[\p{L}\p{N}_][\p{L}\p{N}@._+ -]{0,99}$/u,
  provider: /^[\w.-]{1,100}$/,
  tenant: /^[\w.-]{1,100}$/,
  client_id: /^[\w.:/@-]{1,200}$/,
  redirect_uri: /^https?:\/\/[\w.:[\]/-]{1,300}$/,
  scopes: /^[\w.:/ ,+*-]{1,500}$/,
  mailbox: /^[\w.+-]{1,100}@[\w.-]{1,200}$/,
  act_for: /^[\w.+-]{1,100}@[\w.-]{1,200}$/,
  host: /^[\w.-]{1,200}$/,
}

const names: Record<DiagnosisValue, string> = {
  credential: '<name>',
  registration: '<registration>',
  provider: '<provider>',
  tenant: '<tenant ID>',
  client_id: '<client ID>',
  redirect_uri: '<redirect URI>',
  scopes: '<scopes>',
  mailbox: '<mailbox>',
  act_for: '<user to act for>',
  host: '<host>',
}

/** Fills in what is known; the rest, and what could do harm in a terminal, stays a name in angle brackets. */
export function fillIn(sentence: string, values: DiagnosisValues): string {
  return sentence.replace(/\{([a-z_]{1,40})\}/g, (_, name: DiagnosisValue) => {
    const value = values[name]
    if (value === undefined || !harmless[name].test(value)) return names[name]
    // A name may hold blanks; these quotation marks are read by every shell.
    return value.includes(' ') && name !== 'scopes' ? `'${value}'` : value
  })
}
