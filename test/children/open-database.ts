// Opens the database as a starting node does, prints "opened" or the code of the problem, and ends.
import { openDatabase } from '../../src/storage/open.ts'
import { isProblem } from '../../src/base/problem.ts'

const [folder = '', url] = process.argv.slice(2)
try {
  const { close } = await openDatabase({ folder, url, now: 1 })
  await close()
  process.stdout.write('opened\n')
} catch (error) {
  process.stdout.write(`${isProblem(error) ? error.code : String(error)}\n`)
}
