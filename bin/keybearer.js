#!/usr/bin/env node
// Starts the command line: the compiled program of the published package, or the sources of a clone.
import * as module from 'node:module'

if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(`keybearer: Node 24 or newer is needed; this is ${process.versions.node}. From a clone: npm run -s keybearer -- …`)
  process.exit(1)
}
// Asked for, not imported: an import of node:fs loads all that it exports, which takes longer than the rest of this file.
const { existsSync, mkdirSync, statSync } = process.getBuiltinModule('node:fs')
const cache = cacheFolder()
if (cache !== null) module.enableCompileCache?.(cache)
const source = new URL('../src/cli/keybearer.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/src/cli/keybearer.js', import.meta.url).href)

/**
 * Returns where compiled code is kept for the next start: `$XDG_CACHE_HOME/keybearer`, or `~/.cache/keybearer`; null when that is not
 * this user's alone. What lies there is run as it is, and Node's own choice is a folder in the one for temporary files, which any user
 * of the machine could have made first.
 */
function cacheFolder() {
  const { HOME = '', XDG_CACHE_HOME = '' } = process.env
  const uid = process.getuid?.()
  const isOurs = (folder) => {
    const found = statSync(folder)
    return found.uid === uid && (found.mode & 0o022) === 0
  }
  const isGiven = XDG_CACHE_HOME.startsWith('/')
  const home = isGiven ? XDG_CACHE_HOME : HOME
  const folder = `${home}${isGiven ? '' : '/.cache'}/keybearer`
  try {
    // In the home of somebody else, as with some ways to become root, nothing is made.
    if (!home.startsWith('/') || !isOurs(home)) return null
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return isOurs(folder) ? folder : null
  } catch {
    return null
  }
}
