import { systemClock } from '../base/clock.ts'
import { shellWord } from '../base/shell-word.ts'
import type { Credential } from '../../client/src/operations.ts'

const colours = process.stdout.isTTY && (process.env.NO_COLOR ?? '') === ''
const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
export const red = paint(31)
export const green = paint(32)
export const yellow = paint(33)
export const dim = paint(2)

/** Prints the result of a command. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Says something beside the result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Prints rows in columns; the first row is the head. */
export function printTable(head: string[], rows: string[][]): void {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => width(row[i] ?? ''))))
  const line = (row: string[]) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - width(cell))))
      .join('  ')
      .trimEnd()
  print(dim(line(head)))
  for (const row of rows) print(line(row))
}

// eslint-disable-next-line no-control-regex
const width = (text: string) => [...text.replace(/\u001b\[\d+m/g, '')].length

/** Returns a time as people say it: "2 min ago", "in 3 days". */
export function relative(time: string | null, now = systemClock.now()): string {
  if (time === null) return '–'
  const seconds = Math.round((Date.parse(time) - now) / 1000)
  const size = Math.abs(seconds)
  const [number, unit] =
    size < 60
      ? [size, 's']
      : size < 3600
        ? [Math.round(size / 60), 'min']
        : size < 86_400
          ? [Math.round(size / 3600), 'h']
          : [Math.round(size / 86_400), Math.round(size / 86_400) === 1 ? 'day' : 'days']
  return seconds < 0 ? `${number} ${unit} ago` : `in ${number} ${unit}`
}

const marks: Record<Credential['status'], string> = {
  ready: green('●'),
  expiring: yellow('▲'),
  retrying: yellow('▲'),
  incomplete: yellow('○'),
  needs_consent: red('✗'),
  misconfigured: red('✗'),
  paused: dim('‖'),
}

const kindNames: Record<Credential['kind'], string> = { oauth2: '', api_key: 'API key', basic: 'password' }

/** Prints credentials as the live list shows them: which works, until when, who used it last. */
export function printCredentials(items: Credential[]): void {
  printTable(
    ['  NAME', 'USER', 'PROVIDER', 'STATUS', 'UNTIL', 'LAST USED'],
    items.map((item) => [
      `${marks[item.status]} ${item.name}`,
      item.username ?? '',
      item.provider?.name ?? kindNames[item.kind],
      item.status.replace('_', ' '),
      item.status === 'needs_consent' || item.status === 'misconfigured' ? `ended ${relative(item.since)}` : relative(item.until),
      item.last_used_at === null ? 'never' : `${relative(item.last_used_at)}${item.last_used_by ? ` by ${item.last_used_by.name}` : ''}`,
    ]),
  )
  for (const item of items) {
    if (item.reason === null || item.status === 'ready' || item.status === 'paused') continue
    print(`  ${item.name}: ${item.reason.message}`)
    if (item.diagnosis) print(`    ${item.diagnosis.title}. More: keybearer show ${shellWord(item.name)}`)
    if (item.next_step) print(`    ${commandFor(item) ?? item.next_step.text}`)
  }
}

/** Returns the command that is the next step, where there is one. */
export function commandFor(item: Credential): string | null {
  switch (item.next_step?.action) {
    case 'connect':
    case 'reconnect':
      return `${item.next_step.action === 'connect' ? 'Connect' : 'Reconnect'} with: keybearer connect ${shellWord(item.name)}`
    case 'retry':
      // Trying again is no help as long as the clock is wrong.
      if (item.reason?.code === 'clock_skew') return null
      return `Try now with: keybearer refresh ${shellWord(item.name)}`
    case 'resume':
      return `Resume with: keybearer resume ${shellWord(item.name)}`
    default:
      return null
  }
}
