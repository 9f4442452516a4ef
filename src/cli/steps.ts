/** Returns what a diagnosis says to do, as lines under a failure; none where there is no diagnosis. */
export function stepsOf(diagnosis: { title: string; fix: string[] } | null | undefined): string[] {
  return diagnosis == null ? [] : [`  ${diagnosis.title}:`, ...diagnosis.fix.map((step, at) => `  ${at + 1}. ${step}`)]
}
