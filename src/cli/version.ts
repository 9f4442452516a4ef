import { readFileSync } from 'node:fs'

/** Returns the version of this program; the service may be of another. */
export const readVersion = (): string => (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version
