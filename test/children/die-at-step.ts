// Loaded before a program with --import: kills it, as a power cut would, at one of its calls that change a folder.
// KEYBEARER_TEST_DIE_IN: the folder; KEYBEARER_TEST_DIE_AT: the number of the call; KEYBEARER_TEST_DIE_HOW: before it, after it,
// or half way through a write.
const fs = process.getBuiltinModule('node:fs')
const { KEYBEARER_TEST_DIE_IN: folder = '', KEYBEARER_TEST_DIE_AT: at, KEYBEARER_TEST_DIE_HOW: how } = process.env
const files = new Set<unknown>()
let calls = 0
let written: unknown

const names = [
  'mkdirSync',
  'openSync',
  'writeSync',
  'fsyncSync',
  'closeSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'writeFileSync',
  'copyFileSync',
  'rmSync',
] as const
const { writeSync } = fs
for (const name of names) {
  const call = fs[name] as (...given: unknown[]) => unknown
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      const [target] = given
      if (!(typeof target === 'string' ? target.startsWith(folder) : files.has(target))) return call(...given)
      // Many pieces of one file are one step.
      if (name !== 'writeSync' || written !== target) calls += 1
      else return call(...given)
      written = name === 'writeSync' ? target : undefined
      const isLast = calls === Number(at)
      if (isLast && how === 'half' && name === 'writeSync') writeSync(target as number, (given[1] as Buffer).subarray(0, 40))
      if (isLast && how !== 'after') process.kill(process.pid, 'SIGKILL')
      const result = call(...given)
      if (isLast) process.kill(process.pid, 'SIGKILL')
      if (name === 'openSync') files.add(result)
      if (name === 'closeSync') files.delete(target)
      return result
    },
  })
}
// Those who import the functions by name get these too.
process.getBuiltinModule('node:module').syncBuiltinESMExports()
