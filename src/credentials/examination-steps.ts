import type { Diagnosis } from '../base/diagnosis.ts'

/** What became of one thing that the doctor looked at. `skipped`: it could not be looked at because of what failed before. */
export type ExaminationStep = {
  name: string
  outcome: 'ok' | 'warning' | 'failed' | 'skipped'
  message: string
  nextStep: string | null
  diagnosis: Diagnosis | null
}

export type Examination = { ok: boolean; credential: { id: string; name: string }; steps: ExaminationStep[] }

type More = { nextStep?: string | null; diagnosis?: Diagnosis | null }

const step = (outcome: ExaminationStep['outcome'], name: string, message: string, more: More = {}): ExaminationStep => ({
  name,
  outcome,
  message,
  // What the diagnosis says first is the next step where nobody knows a better one.
  nextStep: more.nextStep ?? more.diagnosis?.fix[0] ?? null,
  diagnosis: more.diagnosis ?? null,
})

export const passed = (name: string, message: string): ExaminationStep => step('ok', name, message)
export const skipped = (name: string, message: string): ExaminationStep => step('skipped', name, message)
export const warned = (name: string, message: string, more?: More): ExaminationStep => step('warning', name, message, more)
export const failed = (name: string, message: string, more?: More): ExaminationStep => step('failed', name, message, more)
