// The entry of the command line. `token` is called by scripts all day: it is tried on a short way that loads next to nothing.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const parameters = process.argv.slice(2)
const { runTokenQuickly } = await import('./token-quickly.ts')
const done = parameters[0] === 'token' && (await runTokenQuickly(parameters.slice(1)))
if (!done) {
  const { run } = await import('./program.ts')
  await run(parameters)
}
