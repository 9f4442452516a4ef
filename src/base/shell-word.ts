/** Returns a name as one word of a command that somebody pastes into a shell. */
export const shellWord = (name: string): string => (/^[\w@.+-]+$/.test(name) && !name.startsWith('-') ? name : `'${name.replaceAll("'", "'\\''")}'`)
