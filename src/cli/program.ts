import { Command, CommanderError } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { actionCommand } from './action.ts'
import { addCommand } from './add.ts'
import { auditCommand } from './audit.ts'
import { backupCommand } from './backup.ts'
import { calendarCommand } from './calendar.ts'
import { completionCommand } from './completion.ts'
import { connectCommand } from './connect.ts'
import { deletedCommand } from './deleted.ts'
import { doctorCommand } from './doctor.ts'
import { editCommand } from './edit.ts'
import { emergencyStopCommand } from './emergency-stop.ts'
import { eventsCommand } from './events.ts'
import { explainCommand } from './explain.ts'
import { failureMark, tellFailure } from './fail.ts'
import { exportCommand } from './export.ts'
import { importCommand } from './import.ts'
import { keyCommand } from './key.ts'
import { listCommand } from './list.ts'
import { lockCommand, unlockCommand } from './lock.ts'
import { messageCommand } from './message.ts'
import { personCommand } from './person.ts'
import { inPlainWords } from './plain-words.ts'
import { providersCommand } from './providers.ts'
import { registrationCommand } from './registration.ts'
import { requestCommand } from './request.ts'
import { restoreCommand } from './restore.ts'
import { rotateKeyCommand } from './rotate-key.ts'
import { runCommand } from './run.ts'
import { sendCommand } from './send.ts'
import { senderCommand } from './sender.ts'
import { sendmailCommand } from './sendmail-command.ts'
import { serveCommand } from './serve.ts'
import { settingsCommand } from './settings.ts'
import { showCommand } from './show.ts'
import { stateCommands } from './state.ts'
import { statusCommand } from './status.ts'
import { testCommand } from './test.ts'
import { tokenCommand } from './token.ts'
import { readVersion } from './version.ts'
import { snoozeCommand } from './snooze.ts'
import { webhookCommand } from './webhook.ts'

/** Makes the command line. Results go to stdout, everything else to stderr. */
export function makeProgram(): Command {
  const program = new Command('keybearer')
    .description('Keeps the OAuth 2.0 credentials of unattended automations: connect an account once, and every script, job and mailer works with it.')
    .version(readVersion(), '--version', 'show the version of this program')
    .option('--no-input', 'never ask; fail instead')
    .enablePositionalOptions()
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError(true)
    .configureOutput({
      writeErr: (text) => process.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${failureMark()} `).replace(/\n\((Did you mean [^\n]*\?)\)/, '\n  $1')),
    })
    .exitOverride()
  const groups: Record<string, Command[]> = {
    'The service:': [
      serveCommand(),
      statusCommand(),
      doctorCommand(),
      explainCommand(),
      calendarCommand(),
      settingsCommand(),
      lockCommand(),
      unlockCommand(),
      rotateKeyCommand(),
      backupCommand(),
      restoreCommand(),
    ],
    'Credentials:': [
      addCommand(),
      connectCommand(),
      listCommand(),
      showCommand(),
      editCommand(),
      testCommand(),
      ...stateCommands(),
      deletedCommand(),
      snoozeCommand(),
      emergencyStopCommand(),
      providersCommand(),
      importCommand(),
      exportCommand(),
      registrationCommand(),
    ],
    'Using them:': [
      tokenCommand(),
      runCommand(),
      requestCommand(),
      actionCommand(),
      sendCommand(),
      sendmailCommand(),
      senderCommand(),
      messageCommand(),
      webhookCommand(),
    ],
    'Who may, and who did:': [keyCommand(), personCommand(), auditCommand(), eventsCommand()],
    'Further:': [completionCommand(() => program)],
  }
  for (const [group, commands] of Object.entries(groups)) {
    for (const command of commands) {
      program.addCommand(command.helpGroup(group))
      inherit(command, program, `keybearer ${command.name()}`)
      for (const inner of command.commands) inherit(inner, command, `keybearer ${command.name()} ${inner.name()}`)
    }
  }
  program.showHelpAfterError('  See "keybearer --help".')
  program.addHelpCommand(new Command('help').description('show the help of a command').argument('[command]').helpGroup('Further:'))
  return program.addHelpText(
    'after',
    `
Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 no such thing, 4 not signed in,
5 a person must consent, 6 not allowed, 75 try later. More: keybearer COMMAND --help`,
  )
}

function inherit(command: Command, from: Command, called: string): void {
  command.copyInheritedSettings(from).showHelpAfterError(`  See "${called} --help".`)
}

/** Options of the program stand before its command; this one may stand behind it too, but what `run` starts has its own. */
function withNoInputFirst(parameters: string[]): string[] {
  if (parameters[0] === 'run' || !parameters.includes('--no-input')) return parameters
  return ['--no-input', ...parameters.filter((one) => one !== '--no-input')]
}

/** Runs a command and sets the exit code. */
export async function run(parameters: string[]): Promise<void> {
  // Whoever reads the output may stop reading, as "head" does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed))
  const program = makeProgram()
  if (parameters.length === 0) {
    program.outputHelp({ error: true })
    process.exitCode = exitCodes.usage
    return
  }
  try {
    await program.parseAsync(withNoInputFirst(parameters), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
      return
    }
    tellFailure(await inPlainWords(error))
  }
}
