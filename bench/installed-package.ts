import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Lays the package out in a folder as npm installs it, compiled, and returns its program. */
export function layOutPackage(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const compiled = spawnSync('tsc', ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')], { cwd: root, encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(`tsc failed: ${compiled.stdout}${compiled.stderr}`)
  for (const part of ['bin', 'providers', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true, verbatimSymlinks: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin', 'keybearer.js')
}
