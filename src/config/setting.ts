import { isIP } from 'node:net'

export type Environment = Record<string, string | undefined>

/** A row of the table of settings. */
export type Setting<Value> = {
  /** Reads the text; throws an Error whose message follows the setting's name: "must be …". */
  parse: (text: string) => Value
  fallback: (environment: Environment) => Value
  /** How the default is written in the reference. */
  shownDefault: string
  sentence: string
  secret?: boolean
}

export const setting = <Value>(row: Setting<Value>): Setting<Value> => row

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) throw new Error(`must be a whole number from ${least} to ${most}`)
    return value
  }
export const list = (text: string): string[] => text.split(/[\s,]+/).filter((entry) => entry !== '')
export const path = (text: string): string => {
  if (text === '' || text.includes('\0')) throw new Error('must be a path')
  return text
}
export const networks = (text: string): string[] => {
  const entries = list(text)
  for (const entry of entries) if (!isNetwork(entry)) throw new Error(`must be addresses or networks such as 10.0.0.0/8; "${entry.slice(0, 50)}" is not`)
  return entries
}

export const isNetwork = (text: string): boolean => {
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && !address.includes('%') && (prefix === undefined || Number(prefix) <= (family === 4 ? 32 : 128))
}

export const hostName = (text: string): string => {
  if (text.length > 253 || !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(text))
    throw new Error('must be a host name such as relay.example.org')
  return text
}
