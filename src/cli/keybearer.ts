// The entry of the command line. `token` and `sendmail` are called by scripts all day: they go a short way that loads next to nothing.
const parameters = process.argv.slice(2)
// A link of this name stands in for /usr/sbin/sendmail, wherever a program looks for it.
if (/(?:^|[\\/])sendmail$/.test(process.argv[1] ?? '')) parameters.unshift('sendmail')

async function runQuickly(): Promise<boolean> {
  switch (parameters[0]) {
    case 'token':
      return await (await import('./token-quickly.ts')).runTokenQuickly(parameters.slice(1))
    case 'sendmail':
      if (parameters.includes('--help')) return false
      await (await import('./sendmail.ts')).runSendmail(parameters.slice(1))
      return true
    default:
      return false
  }
}

if (!(await runQuickly())) {
  const { run } = await import('./program.ts')
  await run(parameters)
}
