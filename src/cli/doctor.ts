import { Command } from 'commander'
import type { Examination } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { findConnection } from './connection.ts'
import { dim, green, print, printJson, red, yellow } from './output.ts'
import { connectService } from './service.ts'
import { stepsOf } from './steps.ts'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check the service, or one credential from the outside in, and say what to do')
    .argument('[name]')
    .option('--json', 'print JSON')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const client = connectService()
      if (name !== undefined) {
        const report = await client.examineCredential({ params: { credential: name } })
        if (options.json) printJson(report)
        else printExamination(report)
        if (!report.ok) process.exitCode = exitCodes.failed
        return
      }
      const { url, accessKeyFrom } = findConnection()
      const report = await client.runDoctor()
      const checks = [
        { name: 'service', outcome: 'ok' as const, message: `Answers at ${url}.`, next_step: null },
        { name: 'access key', outcome: 'ok' as const, message: `From ${accessKeyFrom}.`, next_step: null },
        ...report.checks,
      ]
      if (options.json) printJson({ ok: report.ok, checks })
      else {
        for (const check of checks) {
          print(`${check.outcome === 'ok' ? green('✓') : check.outcome === 'warning' ? yellow('▲') : red('✗')} ${check.name}: ${check.message}`)
          if (check.outcome !== 'ok' && check.next_step !== null) print(`  ${check.next_step}`)
        }
      }
      if (!report.ok) process.exitCode = exitCodes.failed
    })
}

const marks: Record<Examination['steps'][number]['outcome'], string> = { ok: green('✓'), warning: yellow('▲'), failed: red('✗'), skipped: dim('–') }

function printExamination({ steps }: Examination): void {
  for (const step of steps) {
    print(`${marks[step.outcome]} ${step.name}: ${step.message}`)
    if (step.outcome === 'ok' || step.outcome === 'skipped') continue
    if (step.diagnosis === null) {
      if (step.next_step !== null) print(`  ${step.next_step}`)
      continue
    }
    if (step.next_step !== null && step.next_step !== step.diagnosis.fix[0]) print(`  ${step.next_step}`)
    for (const line of stepsOf(step.diagnosis)) print(line)
  }
}
