import { spawn } from 'node:child_process'
import type { JobHandler } from '../jobs/job-runner.ts'

export const commandJob = 'notice.command'
export type CommandPayload = { id: string; body: string }

const timeout = 30_000
const mostSaid = 500
const retryPauses = [60_000, 600_000, 3_600_000]

export type CommandOutcome = { ok: true } | { ok: false; message: string }

/**
 * Runs the program that the settings of the server name, and hands it a notice as JSON on its standard input.
 *
 * Invariant: nothing that comes from outside decides what is run or how: the path is the administrator's, there are no
 * arguments and no shell, and of this process's environment, which may hold secrets, the program gets nothing.
 */
export function runNoticeCommand(file: string, body: string, signal?: AbortSignal): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    let said = ''
    let why: string | null = null
    // A group of its own: what the program starts ends with it.
    const child = spawn(file, [], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    const kill = (reason: string) => {
      why = reason
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
      child.stderr.destroy()
    }
    const timer = setTimeout(() => kill(`It did not end within ${timeout / 1000} s.`), timeout)
    const stop = () => kill('The service stops.')
    signal?.addEventListener('abort', stop, { once: true })
    const settle = (outcome: CommandOutcome) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve(outcome)
    }
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < mostSaid) said += text
    })
    // A program need not read what it is told.
    child.stdin.on('error', () => undefined)
    child.on('error', (error: NodeJS.ErrnoException) => settle({ ok: false, message: `It cannot be started (${error.code ?? 'error'}).` }))
    child.on('close', (code, killed) => {
      if (why === null && code === 0) return settle({ ok: true })
      const words = said.trim() === '' ? '' : ` It said: ${said.trim().slice(0, mostSaid)}`
      settle({ ok: false, message: `${why ?? (killed === null ? `It ended with ${code}.` : `It was ended by ${killed}.`)}${words}` })
    })
    child.stdin.end(body)
    if (signal?.aborted === true) stop()
  })
}

/** Makes what runs the program for every notice that was ordered as a job. */
export function commandHandler(file: string): JobHandler {
  return {
    async run(job) {
      const outcome = await runNoticeCommand(file, (job.payload as CommandPayload).body, job.signal)
      if (outcome.ok) return { outcome: 'done' }
      if (job.signal.aborted) return { outcome: 'retry', reason: outcome.message, after: 0 }
      const after = retryPauses[job.attempt - 1]
      return after === undefined ? { outcome: 'given_up', reason: outcome.message } : { outcome: 'retry', reason: outcome.message, after }
    },
  }
}
