import { pino } from 'pino'
import { redact, redactText } from './redact.ts'

/** Writes one line per event. Every field passes `redact`, whatever it is. */
export type Log = {
  /** Fields that only a function makes are not made when nobody reads them. */
  debug(event: string, fields?: Record<string, unknown> | (() => Record<string, unknown>)): void
  info(event: string, fields?: Record<string, unknown>): void
  warn(event: string, fields?: Record<string, unknown>): void
  error(event: string, fields?: Record<string, unknown>): void
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

type Output = { write(line: string): unknown; isTTY?: boolean }

/** Makes a log that writes JSON lines, or lines for people when the output is a terminal. */
export function createLog(options: { level: LogLevel; output: Output }): Log {
  const output = options.output.isTTY === true ? { write: (line: string) => options.output.write(forPeople(line)) } : options.output
  const logger = pino(
    { level: options.level, base: null, messageKey: 'event', timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    output,
  )
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, given: Record<string, unknown> | (() => Record<string, unknown>) = {}) => {
      if (!logger.isLevelEnabled(level)) return
      const fields = typeof given === 'function' ? given() : given
      const { level: givenLevel, time, event: givenEvent, ...rest } = redact(fields) as Record<string, unknown>
      // Names that the line itself uses get an underscore, so that no field can pass itself off as them.
      const renamed = {
        ...(givenLevel === undefined ? {} : { level_: givenLevel }),
        ...(time === undefined ? {} : { time_: time }),
        ...(givenEvent === undefined ? {} : { event_: givenEvent }),
      }
      logger[level]({ ...rest, ...renamed }, redactText(event, 200))
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function forPeople(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(event)}${rest === '' ? '' : ` ${rest}`}\n`
}
