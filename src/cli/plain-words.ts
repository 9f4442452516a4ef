import { nearest } from '../base/nearest.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { allPages, connectService } from './service.ts'

type Failure = { code?: string; message?: string; nextStep?: string; problem?: { errors?: unknown[] } | null }

/** What the service says to a program is not always what helps a person at the command line: returns the error in better words. */
export async function inPlainWords(error: unknown, words = process.argv.slice(2)): Promise<unknown> {
  const failure = error as Failure
  const command = commandOf(words)
  if (failure.code === 'not_found') return better(failure, { nextStep: await whatThereIs(failure.message ?? '') })
  if (failure.code === 'no_sender') {
    return better(failure, { nextStep: 'Make one: keybearer sender add NAME --host … --credential … --from …, or name one with --sender.' })
  }
  // The fields that are wrong stand below, by the names that the command line has for them.
  if (failure.code === 'invalid_request' && (failure.problem?.errors?.length ?? 0) > 0) {
    return better(failure, { message: `"${command}" cannot use what it was given:`, nextStep: `See "${command} --help".` })
  }
  if (error instanceof CommandError && error.exit === exitCodes.usage && error.nextStep === undefined) {
    return new CommandError(error.message, { exit: error.exit, nextStep: `See "${command} --help".` })
  }
  return error
}

function better(failure: Failure, words: { message?: string; nextStep: string | null }): Failure {
  if (words.message !== undefined) failure.message = words.message
  if (words.nextStep !== null) failure.nextStep = words.nextStep
  return failure
}

const withCommands = ['registration', 'sender', 'message', 'key', 'providers']

/** Returns the command that was called, without what it was given. */
function commandOf(words: string[]): string {
  const [first = '', second = ''] = words.slice(words.findIndex((word) => !word.startsWith('-')))
  return ['keybearer', first, withCommands.includes(first) ? second : ''].filter((word) => /^[a-z][a-z-]*$/.test(word)).join(' ')
}

/** Names the thing that was probably meant, among those that the access key may see, and the command that lists them. */
async function whatThereIs(message: string): Promise<string | null> {
  const [, noun, name] = /^There is no (credential|registration|sender|provider|access key) "(.*)"\.$/s.exec(message) ?? []
  if (noun === undefined || name === undefined) return null
  const kind = kinds[noun as keyof typeof kinds]
  const names = await kind.names().catch(() => [])
  const meant = nearest(name, names)
  return `${meant === null ? '' : `Did you mean ${shellWord(meant)}? `}All there are: keybearer ${kind.command}`
}

const kinds = {
  credential: {
    command: 'list',
    names: async () => (await allPages((cursor) => connectService().listCredentials({ query: page(cursor) }))).map((one) => one.name),
  },
  registration: {
    command: 'registration list',
    names: async () => (await allPages((cursor) => connectService().listRegistrations({ query: page(cursor) }))).map((one) => one.name),
  },
  sender: { command: 'sender list', names: async () => (await connectService().listSenders()).items.map((one) => one.name) },
  provider: {
    command: 'providers',
    names: async () => (await allPages((cursor) => connectService().listProviders({ query: page(cursor) }))).flatMap((one) => [one.id, one.name]),
  },
  'access key': { command: 'key list', names: async () => (await connectService().listAccessKeys()).items.map((one) => one.name) },
}

const page = (cursor: string | undefined) => ({ limit: 500, ...(cursor === undefined ? {} : { cursor }) })
