// npm run bench [-- [--json] [GROUP…]]: measures the rows of the speed table.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { groups, measureGroups, whole } from './rows.ts'
import { exitCodeOf, showTable } from './table.ts'

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
})
if (values.help) {
  console.log(`npm run bench [-- [--json] [GROUP…]]\n\nGroups: ${groups.map((group) => group.name).join(', ')}. Exit code 1 when a row misses its goal.`)
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'keybearer-bench-'))
try {
  const rows = await measureGroups(positionals, whole, folder, (row) => console.error(`${row.met ? '✓' : '✗'} ${row.name}: ${row.ratio ?? row.figure}`))
  console.log(values.json ? JSON.stringify(rows, null, 2) : showTable(rows))
  process.exitCode = exitCodeOf(rows)
} catch (error) {
  if (!(error instanceof RangeError)) throw error
  console.error(error.message)
  process.exitCode = 2
} finally {
  rmSync(folder, { recursive: true, force: true })
}
