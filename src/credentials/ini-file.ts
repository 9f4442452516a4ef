import type { FieldError } from '../base/problem.ts'
import { damaged } from './import-draft.ts'

export type IniSection = { name: string; line: number; values: Map<string, string> }

const mostSections = 20_000

/**
 * Reads sections of `name = value` lines, with comments (`#`, `;`) and values that go on in indented lines. Whatever two
 * programs could read in two ways is refused: a section or name that comes twice, a line that is none of these.
 *
 * @throws Problem import_invalid with the lines
 */
export function readIni(text: string): IniSection[] {
  const sections: IniSection[] = []
  const seen = new Set<string>()
  const errors: FieldError[] = []
  let last: string | null = null
  const wrong = (line: number, message: string) => errors.push({ path: `line ${line}`, message })
  for (const [i, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = i + 1
    const trimmed = raw.trim()
    const section = sections.at(-1)
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    if (/^[ \t]/.test(raw) && section && last !== null) {
      section.values.set(last, `${section.values.get(last) ?? ''}\n${trimmed}`)
      continue
    }
    const head = /^\[(.+)\]$/.exec(trimmed)
    if (head) {
      const name = head[1]!.trim()
      if (seen.has(name)) wrong(line, 'is a section that came before')
      if (sections.length >= mostSections) throw damaged(`The file has more than ${mostSections} sections.`)
      seen.add(name)
      sections.push({ name, line, values: new Map() })
      last = null
      continue
    }
    const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(trimmed)
    if (!section) wrong(line, 'stands before the first section')
    else if (!pair) wrong(line, 'is neither a section nor "name = value"')
    else {
      last = pair[1]!.toLowerCase()
      if (section.values.has(last)) wrong(line, 'sets a name a second time in its section')
      section.values.set(last, pair[2]!)
    }
  }
  if (errors.length > 0) throw damaged('The file is damaged.', errors.slice(0, 20))
  return sections
}
