import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A test whose title begins with the ids of what it proves. */
export type Proof = { ids: string[]; title: string; path: string }

const folders = ['src', 'client/src', 'test', 'ui/src', 'bench', 'deploy']

/** Finds the tests that prove requirements, by requirement. */
export function findProofs(root: string): Map<string, Proof[]> {
  const found = new Map<string, Proof[]>()
  for (const proof of folders.flatMap((folder) => testFiles(root, folder)).flatMap((path) => readProofs(path, readFileSync(join(root, path), 'utf8'))))
    for (const id of proof.ids) found.set(id, [...(found.get(id) ?? []), proof])
  return found
}

/** Returns every test file below a folder, from the root of the repository, in a fixed order. */
export function testFiles(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.test\.tsx?$/.test(name) && !name.includes('node_modules'))
      .sort()
      .map((name) => `${folder}/${name}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Reads the titles out of a test file: "K2, K3: what holds". A test that is skipped or still to be written proves nothing. What a
 * title takes from a variable is shown as an ellipsis, and a test that stands in a file twice is named once.
 */
export function readProofs(path: string, text: string): Proof[] {
  const proofs = new Map<string, Proof>()
  for (const [, quote, ids, title] of text.matchAll(
    /(?<![.\w])(?:test|it|describe)\(\s*(['"`])([A-Z]\d{1,2}(?:, ?[A-Z]\d{1,2})*): ((?:\\.|(?!\1)[^\\])*)\1/g,
  )) {
    const shown = quote === '`' ? title!.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…') : title!
    const clean = shown.replace(/\\(.)/g, '$1')
    if (!proofs.has(`${ids}: ${clean}`)) proofs.set(`${ids}: ${clean}`, { ids: ids!.split(/, ?/), title: clean, path })
  }
  return [...proofs.values()]
}
