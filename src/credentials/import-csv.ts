import { Secret } from '../base/secret.ts'
import { readCsv } from './csv-file.ts'
import { damaged, type Draft } from './import-draft.ts'

const columns = ['name', 'kind', 'username', 'secret', 'description', 'tags', 'allowed_hosts'] as const
type Column = (typeof columns)[number]

/** Whether the first line names columns of such a table. */
export const looksLikeCsv = (text: string): boolean => {
  const names = readNames(text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? '')
  return names.includes('name') && names.includes('kind')
}

const readNames = (line: string) => line.split(',').map((name) => name.trim().replace(/^"|"$/g, '').toLowerCase())

/**
 * Reads a table of API keys and passwords. Its first row names the columns: name and kind, and those of username, secret,
 * description, tags and allowed_hosts that are there.
 *
 * @throws Problem import_invalid
 */
export function readCredentialTable(text: string): Draft[] {
  const [head, ...rows] = readCsv(text)
  const names = (head?.fields ?? []).map((name) => name.trim().toLowerCase())
  const unknown = names.filter((name) => !columns.includes(name as Column))
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  if (!names.includes('name') || !names.includes('kind') || unknown.length > 0 || twice.length > 0) {
    throw damaged(`The first row must name the columns: name and kind, and any of ${columns.slice(2).join(', ')}.`, [
      ...unknown.map((name) => ({ path: 'line 1', message: `names a column "${name.slice(0, 40)}" that is not known` })),
      ...twice.map((name) => ({ path: 'line 1', message: `names the column "${name}" twice` })),
    ])
  }
  const ragged = rows.filter((row) => row.fields.length !== names.length)
  if (ragged.length > 0) {
    const message = `must have as many fields as the first row: ${names.length}`
    throw damaged(
      'The table is damaged.',
      ragged.slice(0, 20).map((row) => ({ path: `line ${row.line}`, message })),
    )
  }
  return rows.map(({ line, fields }): Draft => {
    const value = (column: Column) => fields[names.indexOf(column)] ?? ''
    const where = `line ${line}`
    const kind = value('kind').trim().toLowerCase()
    const name = value('name').trim()
    if (kind !== 'api_key' && kind !== 'basic') {
      return { kind: 'refused', where, name, provider: null, errors: [{ path: `${where}, kind`, message: 'must be api_key or basic' }] }
    }
    const words = (column: Column, separators: RegExp) =>
      value(column)
        .split(separators)
        .map((word) => word.trim())
        .filter((word) => word !== '')
    const secret = value('secret')
    return {
      kind: 'credential',
      where,
      registration: null,
      input: {
        name,
        kind,
        allowedHosts: words('allowed_hosts', /[\s;,]+/),
        tags: words('tags', /[;,]/),
        ...(value('username') === '' ? {} : { username: value('username') }),
        ...(value('description') === '' ? {} : { description: value('description') }),
        ...(secret === '' ? {} : { secret: new Secret(secret) }),
      },
      notes: secret === '' ? ['The table holds no secret for it: enter it afterwards.'] : [],
    }
  })
}
