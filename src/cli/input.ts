import { readFileSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { InvalidArgumentError, Option } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'

/** Whether a person can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY && !process.argv.includes('--no-input')

/** Reads a file, or stdin for "-". */
export function readInput(file: string): string {
  try {
    return file === '-' ? readStandardInput() : readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file === '-' ? 'The standard input' : file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}.`, {
      exit: exitCodes.usage,
    })
  }
}

/** Reads all of stdin, also where it is a pipe whose writer is slow: then there is nothing to read for a moment. */
function readStandardInput(): string {
  const chunks: Buffer[] = []
  for (;;) {
    const chunk = Buffer.alloc(65_536)
    try {
      const size = readSync(0, chunk)
      if (size === 0) return Buffer.concat(chunks).toString('utf8')
      chunks.push(chunk.subarray(0, size))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return Buffer.concat(chunks).toString('utf8')
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

/** Reads a JSON object from a file or stdin. */
export function readObject(file: string): Record<string, unknown> {
  const name = file === '-' ? 'The standard input' : file
  let value: unknown
  try {
    value = JSON.parse(readInput(file))
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${name} is not JSON.`, { exit: exitCodes.usage })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CommandError(`${name} must be a JSON object.`, { exit: exitCodes.usage })
  return value as Record<string, unknown>
}

/** Reads a secret from a file or stdin: without the line break at its end. */
export const readSecretFile = (file: string): string => readInput(file).replace(/\r?\n$/, '')

/** Asks for a line. @throws CommandError where nobody can be asked */
export async function ask(question: string, option: string): Promise<string> {
  if (!canAsk()) throw new CommandError(`${option} is needed.`, { exit: exitCodes.usage })
  const line = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await line.question(`${question}: `)).trim()
  } finally {
    line.close()
  }
}

/** Asks for a secret without showing it. @throws CommandError where nobody can be asked */
export async function askSecret(question: string, option: string): Promise<string> {
  if (!canAsk()) throw new CommandError(`${option} is needed: secrets come from a file or from stdin ("-"), never as an argument.`, { exit: exitCodes.usage })
  let muted = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) process.stderr.write(chunk as Buffer)
      done()
    },
  })
  const line = createInterface({ input: process.stdin, output, terminal: true })
  try {
    const answer = line.question(`${question} (not shown): `)
    muted = true
    return await answer
  } finally {
    line.close()
    process.stderr.write('\n')
  }
}

/** Collects an option that may come several times, or once with commas. */
export const collect = (value: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  ...value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
]

/** Reads an option that is a whole number. */
export function readNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(value)
}

/** Reads an option that is a date, with a time or without. */
export function readDate(value: string): string {
  const time = Date.parse(value)
  if (Number.isNaN(time)) throw new InvalidArgumentError('It must be a date such as 2027-06-30.')
  return new Date(time).toISOString()
}

/** Makes an option that takes one of some words. */
export const oneOf = (flags: string, description: string, words: readonly string[]): Option => new Option(flags, description).choices(words)

/** Reads `name=value` options. */
export function collectPairs(value: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = value.indexOf('=')
  if (at < 1) throw new CommandError(`"${value}" must be of the form name=value.`, { exit: exitCodes.usage })
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) }
}
