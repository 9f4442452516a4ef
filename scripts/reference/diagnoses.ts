import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDiagnoses } from '../../src/providers/diagnoses.ts'
import { code, fence, page, prose, table } from './markdown.ts'

const folder = join(import.meta.dirname, '..', '..', 'providers', 'diagnoses')

const titles: Record<string, string> = { any: 'Any provider, mail server or network', microsoft: 'Microsoft', google: 'Google' }

export function makeDiagnosesPage(): string {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'schema.json')
    .sort()
    .map((name) => parseDiagnoses(readFileSync(join(folder, name), 'utf8'), name))
  const providers = [...new Set(files.map((file) => file.provider))].sort((a, b) => (a === 'any' ? -1 : b === 'any' ? 1 : a.localeCompare(b)))
  return page(
    'the files in providers/diagnoses/',
    'Diagnoses',
    `${files.flatMap((file) => file.diagnoses).length} failures that Keybearer explains: what each means, why probably, what to do and who has to do it. A text is recognized by its phrases and codes; it decides nothing, as what is tried again follows the fields of the protocol.`,
    fence('sh', 'keybearer explain < error.txt\nkeybearer doctor work-mail'),
    'The sentences with causes and steps are in the files; `keybearer explain` prints them with the values of a credential. `who` is you, the owner of the account, an administrator of its organization, or nobody: then it is tried again by itself.',
    providers.flatMap((provider) => [
      `## ${titles[provider] ?? `${provider[0]!.toUpperCase()}${provider.slice(1)}`}`,
      table(
        ['Id', 'What it is', 'Who acts', 'Action', 'Met at'],
        files
          .filter((file) => file.provider === provider)
          .flatMap((file) => file.diagnoses)
          .map((one) => [code(one.id), prose(one.title), one.who, code(one.action), one.surfaces.map((surface) => surface.replaceAll('_', ' ')).join(', ')]),
      ),
    ]),
  )
}
