import type { NewMessage } from '../mail/types.ts'
import type { Problem } from '../base/problem.ts'
import type { ActionRunRow } from '../storage/action-runs.ts'
import type { ActionContext } from './context.ts'

/** Writes the mail that tells of a failed run; null: there is nobody to tell. Nothing that was sent or answered stands in it. */
export async function writeReport(context: ActionContext, run: ActionRunRow, report: { to: string[] }, problem: Problem | null): Promise<NewMessage | null> {
  const { mailOptions, clock } = context
  const to = report.to.length > 0 ? report.to : (await mailOptions.get()).notify.to
  if (to.length === 0) return null
  const started = run.started_at ?? clock.now()
  return {
    to,
    subject: `The action "${run.action_name}" failed`,
    text: [
      `The action "${run.action_name}" failed on ${new Date(clock.now()).toISOString()}.`,
      '',
      problem?.message ?? '',
      problem === null ? '' : `What to do: ${problem.nextStep}`,
      '',
      `Run: ${run.id}, begun ${new Date(started).toISOString()}, attempts: ${run.attempts + 1}.`,
      `See it with: keybearer action runs --action "${run.action_name}"`,
      '',
    ].join('\n'),
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}
