import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Gives a process one core for itself, and the other cores to this process and whatever it starts from now on: so what another
 * machine would do elsewhere is not slowed down by what is measured, nor the other way round. Returns what ends that, or null
 * where it cannot be had: with one core alone, on another system than Linux, or without `taskset` (util-linux).
 */
export function keepApart(pid: number): (() => void) | null {
  try {
    const cores = coresOf(readFileSync('/proc/self/status', 'utf8'))
    if (cores.length < 2) return null
    const keep = (which: readonly number[], who: number) => execFileSync('taskset', ['-acp', which.join(), String(who)], { stdio: 'ignore' })
    keep(cores.slice(0, 1), pid)
    keep(cores.slice(1), process.pid)
    return () => void keep(cores, process.pid)
  } catch {
    return null
  }
}

/** Reads which cores a process may use out of its status, as the kernel writes it: `Cpus_allowed_list:	0-2,5`. */
export function coresOf(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(status)?.[1] ?? ''
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
