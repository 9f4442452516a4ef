import type { Row } from './row.ts'

const columns = ['name', 'figure', 'yardstick', 'ratio', 'goal', 'met'] as const

/** Lays the rows out for people. */
export function showTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${row.figure} ${row.unit}`,
    row.yardstick === null ? '–' : `${row.yardstick} ${row.unit}`,
    row.ratio === null ? '–' : row.ratio.toFixed(2),
    row.goal,
    row.met ? 'met' : 'NOT MET',
  ])
  const lines = [[...columns], ...cells]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i >= 1 && i <= 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** 1 when a row was not met, so that a script notices; otherwise 0. */
export const exitCodeOf = (rows: readonly Row[]): 0 | 1 => (rows.every((row) => row.met) ? 0 : 1)
