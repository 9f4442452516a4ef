import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type Child = {
  process: ChildProcess
  /** What it has printed so far, by line. */
  lines: string[]
  /** Resolves when it has printed this line; throws when it ends without. */
  says(line: string): Promise<void>
  /** Ends it at once, as a power cut would, and waits until it is gone. */
  kill9(): Promise<void>
  /** Resolves with its exit code, after everything it printed was read. */
  ended: Promise<number | null>
}

/** Starts a program of this folder as a process of its own. */
export function startChild(name: string, ...args: string[]): Child {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', new URL(name, import.meta.url).pathname, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let errors = ''
  child.stderr.on('data', (text) => (errors += String(text)))
  const reader = createInterface(child.stdout)
  reader.on('line', (line) => lines.push(line))
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(([[code]]) => code as number | null)
  return {
    process: child,
    lines,
    ended,
    async says(line) {
      let over = false
      void ended.then(() => (over = true))
      while (!lines.includes(line)) {
        if (over) throw new Error(`${name} ended without saying "${line}": ${errors}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async kill9() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
