import { createFormContext } from '@mantine/form'
import type { Draft } from './draft.ts'

/** The form of the wizard: every step reads and writes the same draft. */
export const [DraftProvider, useDraft, useDraftForm] = createFormContext<Draft>()
