import { existsSync, readFileSync } from 'node:fs'

/** Sources and compiled program lie at different depths below the package. */
const places = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url))

/** Returns the version of this program; the service may be of another. */
export function readVersion(): string {
  const place = places.find((url) => existsSync(url)) ?? places[0]!
  return (JSON.parse(readFileSync(place, 'utf8')) as { version: string }).version
}
