import { type Compared } from './statistics.ts'

/** What a row must reach. `ratio` speaks of figure / yardstick, `figure` of the figure itself. */
export type Goal = {
  of: 'ratio' | 'figure'
  is: 'at_least' | 'at_most'
  value: number
  /** What would be better still; missing it is not a failure. */
  aim?: number
}

/** A row of the speed table as it is printed and as `--json` gives it. */
export type Row = {
  name: string
  figure: number
  unit: string
  /** What it is measured against, in the same unit; null: against the goal alone. */
  yardstick: number | null
  ratio: number | null
  goal: string
  met: boolean
}

/** What a measurement came to. `flaw` says why the row does not count, however good its figure is. */
export type Measured = { figure: number; yardstick: number | null; ratio: number | null; flaw?: string }

export type Question = { name: string; unit: string; goals: readonly Goal[] }

/** Makes the row: a goal that is missed, a figure that is none, or a flaw is reported as not met. */
export function judge(question: Question, measured: Measured | Compared): Row {
  const { figure, yardstick, ratio } = measured
  const flaw = 'flaw' in measured ? measured.flaw : undefined
  const met = flaw === undefined && Number.isFinite(figure) && question.goals.every((goal) => reaches(goal, goal.of === 'ratio' ? ratio : figure))
  const words = question.goals.map((goal) => sayGoal(goal, question.unit)).join('; ')
  return {
    name: question.name,
    figure: round(figure),
    unit: question.unit,
    yardstick: yardstick === null ? null : round(yardstick),
    ratio: ratio === null ? null : round(ratio),
    goal: flaw === undefined ? words : `${words} (${flaw})`,
    met,
  }
}

function reaches(goal: Goal, value: number | null): boolean {
  if (value === null || !Number.isFinite(value)) return false
  return goal.is === 'at_least' ? value >= goal.value : value <= goal.value
}

function sayGoal({ of, is, value, aim }: Goal, unit: string): string {
  const sign = is === 'at_least' ? '≥' : '≤'
  return `${of === 'ratio' ? 'ratio' : 'figure'} ${sign} ${value}${of === 'figure' ? ` ${unit}` : ''}${aim === undefined ? '' : `, aim ${aim}`}`
}

/** Three digits that count, more where the number itself has more. */
function round(value: number): number {
  if (!Number.isFinite(value)) return value
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
