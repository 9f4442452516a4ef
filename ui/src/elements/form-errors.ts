import { KeybearerError } from '@keybearer/client'
import { fieldErrors } from './problem-notice.tsx'

/** Messages for the fields of a form that has a name: a taken name is a mistake of that field. */
export function formErrors(error: unknown): Record<string, string> {
  const errors = fieldErrors(error)
  if (error instanceof KeybearerError && error.code === 'name_taken') errors.name ??= error.message
  return errors
}
