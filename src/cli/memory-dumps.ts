import { writeFileSync } from 'node:fs'

/**
 * Leaves the memory of this process, and of those that it starts, out of any core dump: it holds secrets. A limit of size
 * would not suffice, because a program that collects dumps gets them whatever their limit.
 *
 * @see core(5), "Controlling which mappings are written to the core dump"
 */
export function keepMemoryOutOfDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // Another system than Linux, or one that dumps nothing: systemd's LimitCORE=0 and the like remain.
  }
}
