import { nearest } from '../base/nearest.ts'
import { problemCodes } from '../base/problem-codes.ts'
import { quoted } from './output.ts'
import { allPages, connectService } from './service.ts'

type Failure = { code?: string; message?: string; nextStep?: string; problem?: { errors?: unknown[] } | null }

/** What the service says to a program is not always what helps a person at the command line: returns the error with the better next step. */
export async function explain(error: unknown, words = process.argv.slice(2)): Promise<unknown> {
  const failure = error as Failure
  const better = failure.code === 'not_found' ? await whatThereIs(failure.message ?? '') : isBadInput(failure) ? helpOf(words) : null
  return better === null ? error : Object.assign(failure, { nextStep: better })
}

/** The fields are named already, by the names that the command line has for them. */
const isBadInput = ({ code, nextStep, problem }: Failure): boolean =>
  code === 'invalid_request' && nextStep === problemCodes.invalid_request.nextStep && (problem?.errors?.length ?? 0) > 0

const helpOf = (words: string[]): string | null => {
  const command = words.find((word) => /^[a-z][a-z-]*$/.test(word))
  return command === undefined ? null : `See "keybearer ${command} --help".`
}

/** Names the thing that was probably meant, among those that the access key may see, and the command that lists them. */
async function whatThereIs(message: string): Promise<string | null> {
  const [, noun, name] = /^There is no (credential|registration|sender|provider|access key) "(.*)"\.$/s.exec(message) ?? []
  if (noun === undefined || name === undefined) return null
  const kind = kinds[noun as keyof typeof kinds]
  const names = await kind.names().catch(() => [])
  const meant = nearest(name, names)
  return `${meant === null ? '' : `Did you mean ${quoted(meant)}? `}All there are: keybearer ${kind.command}`
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
  provider: { command: 'providers', names: async () => (await connectService().listProviders()).items.flatMap((one) => [one.id, one.name]) },
  'access key': { command: 'key list', names: async () => (await connectService().listAccessKeys()).items.map((one) => one.name) },
}

const page = (cursor: string | undefined) => ({ limit: 500, ...(cursor === undefined ? {} : { cursor }) })
