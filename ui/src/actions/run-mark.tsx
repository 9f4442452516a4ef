import type { ActionRun } from '@keybearer/client'
import { Mark } from '../elements/mark.tsx'
import { statusMarks, statusWords } from './action-words.ts'

/** How a run stands. A problem that does not count as a failure is not hidden behind the word "done". */
export function RunMark({ run }: { run: Pick<ActionRun, 'status' | 'tolerated'> }) {
  if (run.status === 'done' && run.tolerated) {
    return (
      <Mark color="orange" sign="▲">
        Done, with a problem
      </Mark>
    )
  }
  return <Mark {...statusMarks[run.status]}>{statusWords[run.status]}</Mark>
}
