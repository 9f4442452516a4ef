import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { childEnvironment } from './child-environment.ts'
import { CommandError } from './connection.ts'
import { connectService } from './service.ts'
import { showToken } from './token-quickly.ts'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTSTP', 'SIGCONT'] as const

export function runCommand(): Command {
  return new Command('run')
    .description('run a command with tokens in its environment: keybearer run --env TOKEN=work-mail -- curl …')
    .requiredOption(
      '--env <variable=credential>',
      'put a token of the credential into the variable; ":xoauth2" behind it for the SASL string; may come several times',
      (value: string, before: string[] | undefined) => [...(before ?? []), value],
    )
    .argument('<command...>')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (command: string[], options: { env: string[] }) => {
      const client = connectService()
      const variables: Record<string, string> = {}
      for (const one of options.env) {
        const match = /^([A-Za-z_]\w*)=(.+?)(:xoauth2)?$/.exec(one)
        if (!match) throw new CommandError(`--env ${one} must be of the form VARIABLE=credential.`, { exit: exitCodes.usage })
        const token = await client.handOutToken({ params: { credential: match[2]! }, body: {} })
        variables[match[1]!] = showToken(token, { json: false, xoauth2: match[3] !== undefined, user: null })
      }
      process.exitCode = await runChild(command, variables)
    })
}

/** Runs the command in this terminal and returns its exit code; 128 and the signal's number when it was ended by one. */
async function runChild(command: string[], variables: Record<string, string>): Promise<number> {
  const environment: NodeJS.ProcessEnv = { ...childEnvironment(process.env), ...variables }
  const child = spawn(command[0]!, command.slice(1), { stdio: 'inherit', env: environment })
  // In a terminal the child gets the signals itself; from elsewhere they are handed on.
  const pass = forwarded.map((signal) => {
    const listener = () => {
      if (!process.stdin.isTTY || signal === 'SIGTERM' || signal === 'SIGHUP') child.kill(signal)
    }
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  try {
    return await new Promise<number>((done, fail) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        fail(
          new CommandError(error.code === 'ENOENT' ? `There is no command "${command[0]}".` : `"${command[0]}" cannot be run: ${error.code}.`, {
            exit: error.code === 'ENOENT' ? 127 : 126,
          }),
        )
      })
      child.once('exit', (code, signal) => done(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15)))
    })
  } finally {
    for (const stop of pass) stop()
  }
}
