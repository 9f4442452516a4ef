// Makes what is made from the code. With --check it writes nothing and names what is old.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isProblem } from '../src/base/problem.ts'
import { generatedFiles } from './generated-files.ts'

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')
/** Says what is wrong with a file that something is made from, without the way to it through the program. */
const made = (make: () => string): string => {
  try {
    return make()
  } catch (error) {
    if (!isProblem(error)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
const old = generatedFiles.filter(({ path, make }) => {
  const file = join(root, path)
  const text = made(make)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false
  if (!isCheck) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return true
})

if (isCheck && old.length > 0) {
  console.error(`These files are older than the code they are made from:\n${old.map(({ path }) => `  ${path}`).join('\n')}\nRun: npm run generate`)
  process.exitCode = 1
} else if (!isCheck) for (const { path } of old) console.error(`made ${path}`)
