import { damaged } from './import-draft.ts'

export type CsvRow = { line: number; fields: string[] }

/**
 * Reads rows of fields: quoted where they hold commas, quotes or line breaks, quotes doubled inside.
 *
 * @throws Problem import_invalid with the line
 * @see RFC 4180 section 2 https://www.rfc-editor.org/rfc/rfc4180.html#section-2
 */
export function readCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = []
  let line = 1
  let at = text.startsWith('\ufeff') ? 1 : 0
  let row: CsvRow = { line, fields: [] }
  const wrong = (message: string) => damaged('The table is damaged.', [{ path: `line ${line}`, message }])

  const quoted = (): string => {
    const began = line
    let field = ''
    for (at += 1; ; at++) {
      if (at >= text.length) throw damaged('The table is damaged.', [{ path: `line ${began}`, message: 'begins a quotation that never ends' }])
      const sign = text[at]!
      if (sign === '"') {
        if (text[at + 1] !== '"') break
        at += 1
      } else if (sign === '\n') line += 1
      field += sign
    }
    at += 1
    if (at < text.length && !/[,\r\n]/.test(text[at]!)) throw wrong('goes on behind a closing quote; a quote inside of a field must be doubled')
    return field
  }

  const bare = (): string => {
    const upToEnd = /[^,\r\n]*/y
    upToEnd.lastIndex = at
    const field = upToEnd.exec(text)![0]
    if (field.includes('"')) throw wrong('has a quote inside of a field that is not quoted')
    at += field.length
    return field
  }

  while (at < text.length) {
    row.fields.push(text[at] === '"' ? quoted() : bare())
    if (text[at] === ',') {
      at += 1
      // A comma at the end begins one more field, which is empty.
      if (at >= text.length || /[\r\n]/.test(text[at]!)) row.fields.push('')
    }
    if (at >= text.length || text[at] === '\r' || text[at] === '\n') {
      if (text[at] === '\r') {
        if (text[at + 1] !== '\n') throw wrong('ends with a carriage return alone')
        at += 1
      }
      at += 1
      line += 1
      if (row.fields.length > 1 || row.fields[0] !== '') rows.push(row)
      row = { line, fields: [] }
    }
  }
  return rows
}
