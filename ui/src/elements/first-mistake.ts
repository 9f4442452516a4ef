/** Takes whoever sent a form to the first field that has to be mended; returns whether there is one. */
export function focusFirstMistake(form: HTMLElement | null): boolean {
  const field = form?.querySelector<HTMLElement>('[aria-invalid="true"]')
  field?.focus()
  return field != null
}
