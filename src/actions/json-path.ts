/** A step into an object or a list. */
type Step = string | number

const stepForm = /\.?([A-Za-z_$@][\w$@-]*)|\[(\d{1,6})\]|\["([^"\\]{1,100})"\]/y

/** Reads a path such as `paging.next`, `items[0].id` or `["@odata.nextLink"]`; null when it is none. */
export function parsePath(text: string): Step[] | null {
  const steps: Step[] = []
  const rest = text.replace(/^\$\.?/, '')
  stepForm.lastIndex = 0
  while (stepForm.lastIndex < rest.length) {
    const found = stepForm.exec(rest)
    if (!found || steps.length >= 20) return null
    steps.push(found[2] === undefined ? (found[1] ?? found[3] ?? '') : Number(found[2]))
  }
  return steps
}

/** Returns what stands at a path; undefined: nothing does. */
export function atPath(value: unknown, path: string): unknown {
  let here = value
  for (const step of parsePath(path) ?? []) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined
    here = (here as Record<Step, unknown>)[step]
  }
  return here
}
