import { useEffect, useRef } from 'react'
import { focusFirstMistake } from './first-mistake.ts'
import { fieldErrors, ProblemNotice } from './problem-notice.tsx'

/**
 * What went wrong with a form. Messages that stand at their fields already are not said twice; all others are. Whoever sent
 * it is taken to the first field to mend, or to this message.
 */
export function FormProblem({ error, fields }: { error: unknown; fields: readonly string[] }) {
  const place = useRef<HTMLDivElement>(null)
  const atFields = Object.keys(fieldErrors(error)).every((path) => fields.includes(path) || fields.includes(path.split('.')[0]!))
  useEffect(() => {
    if (error === null || error === undefined) return
    if (!focusFirstMistake(place.current?.closest('form') ?? null)) place.current?.scrollIntoView({ block: 'nearest' })
  }, [error])
  return (
    <div ref={place}>
      <ProblemNotice error={error} hideFields={atFields} />
    </div>
  )
}
