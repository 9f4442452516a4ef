#!/usr/bin/env node
// Starts the command line: the compiled program of the published package, or the sources of a clone.
import * as module from 'node:module'

if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(`keybearer: Node 24 or newer is needed; this is ${process.versions.node}. From a clone: npm run -s keybearer -- …`)
  process.exit(1)
}
module.enableCompileCache?.()
// Asked for, not imported: an import of node:fs loads all that it exports, which takes longer than the rest of this file.
const { existsSync } = process.getBuiltinModule('node:fs')
const source = new URL('../src/cli/keybearer.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/src/cli/keybearer.js', import.meta.url).href)
