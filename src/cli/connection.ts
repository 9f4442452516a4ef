import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { exitCodes } from '../base/problem-codes.ts'

// Asked for, not imported: an import of node:fs loads all that it exports, which `keybearer token` would wait for.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs')

/** What ends a command with a message and an exit code. */
export class CommandError extends Error {
  readonly exit: number
  readonly nextStep: string | undefined

  constructor(message: string, options: { exit: number; nextStep?: string }) {
    super(message)
    this.exit = options.exit
    this.nextStep = options.nextStep
  }
}

export type Connection = { url: string; accessKey: string; accessKeyFrom: string }

const value = (name: string): string | undefined => {
  const text = process.env[name]
  return text === undefined || text === '' ? undefined : text
}

/** Returns a setting that is no secret, from the environment or its file; undefined when it is not set. */
export function settingText(name: string): string | undefined {
  const file = value(`${name}_FILE`)
  return value(name) ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim())
}

/** Returns the folder of the key files. */
export function configFolder(): string {
  return value('KEYBEARER_CONFIG') ?? join(value('XDG_CONFIG_HOME') ?? join(value('HOME') ?? homedir(), '.config'), 'keybearer')
}

/** Where the local access key lies. */
export const accessKeyFile = (): string => join(configFolder(), 'access-key')

/** Returns where the service is. */
export const serviceUrl = (): string => (settingText('KEYBEARER_URL') ?? `http://127.0.0.1:${value('KEYBEARER_PORT') ?? '7420'}`).replace(/\/+$/, '')

/** What systemd shows to a unit is closed to others by the folder it lies in; the mode of the file does not tell. */
function isGivenBySystemd(file: string): boolean {
  const folder = value('CREDENTIALS_DIRECTORY')
  return folder !== undefined && dirname(resolve(file)) === resolve(folder)
}

/**
 * Finds the service and the access key: the settings, otherwise the key that the service made for the local command line.
 *
 * @throws CommandError when there is no key, or others can read it
 */
export function findConnection(): Connection {
  const url = serviceUrl()
  const given = value('KEYBEARER_ACCESS_KEY')
  if (given !== undefined) return { url, accessKey: given.trim(), accessKeyFrom: 'KEYBEARER_ACCESS_KEY' }
  const named = value('KEYBEARER_ACCESS_KEY_FILE')
  const file = named ?? accessKeyFile()
  let text: string
  try {
    const mode = statSync(file).mode & 0o777
    if ((mode & 0o077) !== 0 && !isGivenBySystemd(file)) {
      throw new CommandError(`Others can read the access key in ${file} (mode ${mode.toString(8)}).`, {
        exit: exitCodes.not_signed_in,
        nextStep: `Run: chmod 600 ${file}`,
      })
    }
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`There is no access key: ${file} cannot be read.`, {
      exit: exitCodes.not_signed_in,
      nextStep:
        named === undefined
          ? 'Start the service once on this machine ("npm start"), or set KEYBEARER_ACCESS_KEY_FILE to a file with a key.'
          : 'Check KEYBEARER_ACCESS_KEY_FILE.',
    })
  }
  return { url, accessKey: text, accessKeyFrom: file }
}
