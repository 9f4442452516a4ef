import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { green, print, printJson, red } from './output.ts'
import { connectService } from './service.ts'
import { stepsOf } from './steps.ts'

export function testCommand(): Command {
  return new Command('test')
    .description('try a credential for real, step by step')
    .argument('<name>')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const report = await connectService().testCredential({ params: { credential: name } })
      if (options.json) printJson(report)
      else printSteps(report.steps)
      if (!report.ok) process.exitCode = exitCodes.failed
    })
}

/** Prints steps with what to do for those that failed. */
export function printSteps(
  steps: { name: string; ok: boolean; message: string; next_step: string | null; diagnosis?: { title: string; fix: string[] } | null }[],
): void {
  for (const step of steps) {
    print(`${step.ok ? green('✓') : red('✗')} ${step.name}: ${step.message}`)
    if (!step.ok && step.next_step !== null) print(`  ${step.next_step}`)
    if (!step.ok) for (const line of stepsOf(step.diagnosis)) print(line)
  }
}
