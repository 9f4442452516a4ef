import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

type Package = { dependencies?: Record<string, string>; devDependencies?: Record<string, string> }
type Locked = { version?: string; resolved?: string; integrity?: string; link?: boolean; dev?: boolean; optional?: boolean; hasInstallScript?: boolean }

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const { dependencies = {}, devDependencies = {} } = JSON.parse(read('package.json')) as Package
const locked = Object.entries((JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages).filter(([path]) =>
  path.includes('node_modules/'),
)

/** What is wrong with the packages as they are locked. */
function findLockFaults(packages: [path: string, Locked][]): string[] {
  return packages.flatMap(([path, one]) => {
    if (one.link === true) return []
    const faults = []
    if (!/^sha512-[\w+/]{86}==$/.test(one.integrity ?? '')) faults.push(`${path} has no hash`)
    if (one.hasInstallScript === true && one.dev !== true) faults.push(`${path} runs a script when it is installed`)
    return faults
  })
}

describe('the dependencies', () => {
  it('P5: every package is pinned by a hash, and none that production needs runs a script when it is installed', () => {
    assert.ok(locked.length > 50)
    assert.deepEqual(findLockFaults(locked), [])
    assert.deepEqual(
      findLockFaults([
        ['node_modules/loose', { version: '1.0.0' }],
        ['node_modules/eager', { integrity: `sha512-${'a'.repeat(86)}==`, hasInstallScript: true }],
        ['node_modules/tool', { integrity: `sha512-${'a'.repeat(86)}==`, hasInstallScript: true, dev: true }],
      ]),
      ['node_modules/loose has no hash', 'node_modules/eager runs a script when it is installed'],
    )
  })

  it('have each a reason in the decisions, and no reason is left of one that went', () => {
    const decisions = readdirSync(join(root, 'docs/decisions')).map((name) => read(`docs/decisions/${name}`).toLowerCase())
    const isNamed = (name: string) => decisions.some((text) => text.includes(name))
    const needed = [...Object.keys(dependencies), ...Object.keys(devDependencies).filter((name) => !name.startsWith('@types/') && name !== 'oxlint-tsgolint')]
    assert.deepEqual(
      needed.filter((name) => !isNamed(name)),
      [],
    )
    const table = Array.from(read('docs/decisions/dependencies.md').matchAll(/^\| (?!package )([@\w/., -]+?) \| [a-z]/gm), (match) => match[1]!)
    assert.deepEqual(
      table.flatMap((names) => names.split(', ')).filter((name) => !(name in dependencies)),
      [],
    )
  })

  it('of the client are none', () => {
    const client = JSON.parse(read('client/package.json')) as Package
    assert.deepEqual({ ...client.dependencies, ...client.devDependencies }, {})
  })
})
