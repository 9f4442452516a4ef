// Makes what is made from the code. With --check it writes nothing and names what is old.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedFiles } from './generated-files.ts'

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')
const old = generatedFiles.filter(({ path, make }) => {
  const file = join(root, path)
  const text = make()
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
