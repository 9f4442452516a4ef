import type { Argument, Command, Option } from 'commander'
import { exitCodes, problemCodes } from '../../src/base/problem-codes.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { commandExamples } from './command-examples.ts'
import { anchorOf, code, fence, link, page, prose, sentence, table } from './markdown.ts'

/** Where a command stands on the page; a new one that is not named here comes under "Further commands". */
const groups: { title: string; opening: string; commands: string[] }[] = [
  { title: 'Using credentials', opening: 'What scripts and jobs call.', commands: ['token', 'run', 'send', 'request', 'sendmail'] },
  { title: 'Looking', opening: 'How things are.', commands: ['status', 'list', 'show', 'test', 'doctor', 'calendar', 'events', 'explain'] },
  {
    title: 'Setting up credentials',
    opening: 'From a new credential to one that works, and what may be done with it afterwards.',
    commands: ['providers', 'add', 'edit', 'connect', 'registration', 'pause', 'resume', 'refresh', 'revoke', 'delete', 'import', 'export'],
  },
  { title: 'Mail', opening: 'Where mail goes out, and what became of it.', commands: ['sender', 'message'] },
  { title: 'Access and audit', opening: 'Who may do what, and who did what.', commands: ['key', 'person', 'audit'] },
  { title: 'The service', opening: 'Running it.', commands: ['serve', 'settings', 'rotate-key', 'backup', 'restore', 'completion'] },
]

const exitMeanings: Record<keyof typeof exitCodes, string> = {
  done: 'Done.',
  failed: 'It failed; the message says why and what to do.',
  usage: 'The command was not understood.',
  no_such_thing: 'There is no such credential, sender, key…',
  not_signed_in: 'There is no valid access key.',
  needs_person: 'A person must act first: connect, reconnect, consent.',
  not_allowed: 'The access key may not do this, or the secret may not go there.',
  try_later: 'Not now: the provider, the mail server or the service is away. The same command may work in a moment.',
}

export function makeCommandLinePage(): string {
  const program = makeProgram()
  const known = new Map(program.commands.map((command) => [command.name(), command]))
  const grouped = new Set(groups.flatMap(({ commands }) => commands))
  const further = [...known.keys()].filter((name) => !grouped.has(name))
  const all = [...groups, ...(further.length > 0 ? [{ title: 'Further commands', opening: 'What else there is.', commands: further }] : [])]
    .map((group) => ({ ...group, commands: group.commands.flatMap((name) => known.get(name) ?? []) }))
    .filter(({ commands }) => commands.length > 0)
  return page(
    'the program in src/cli/',
    'Command line',
    'The command `keybearer` prints results on stdout and everything else on stderr, so that its output can be used by other programs. From a clone it is called as `npm run -s keybearer -- …`.',
    fence('sh', 'keybearer token work-mail\nkeybearer help send'),
    [
      '- The service is looked for at `http://127.0.0.1:7420`, and the access key in the file that the service made at its first start on this machine. [`KEYBEARER_URL`](settings.md#keybearer_url) and [`KEYBEARER_ACCESS_KEY`](settings.md#keybearer_access_key) name others.',
      '- A secret is never an argument, where other users of the machine could see it: it comes from a file, from stdin (`-`), or is asked for.',
      `- Questions are asked on a terminal only. Before any command may stand: ${program.options.map((option) => `${code(option.flags)} (${option.description})`).join(', ')}.`,
      '- `--json` prints what the [HTTP API](api.md) answers. Colours are left out when `NO_COLOR` is set or the output is not a terminal.',
      '- `keybearer help`, `keybearer help COMMAND` and `--help` behind any command show what stands here.',
    ].join('\n'),
    '## Exit codes',
    table(
      ['Code', 'Means', 'Errors'],
      (Object.keys(exitCodes) as (keyof typeof exitCodes)[]).map((name) => [String(exitCodes[name]), exitMeanings[name], errorsOf(exitCodes[name])]),
    ),
    '`sendmail` ends with the codes that programs expect of /usr/sbin/sendmail: 0 and 75 mean the same there, the others stand in the [guide](../guide/sendmail.md#what-it-ends-with).',
    '`run` ends with the exit code of the command that it ran: 127 when there is no such command, 126 when it cannot be run, 128 and the number of the signal when it was ended by one.',
    '## All commands',
    table(
      ['Command', 'What it does'],
      all.flatMap(({ commands }) =>
        commands.flatMap(withInner).map((command) => [link(code(nameOf(command)), `#${anchorOf(nameOf(command))}`), prose(sentence(command.description()))]),
      ),
    ),
    all.flatMap(({ title, opening, commands }) => [`## ${title}`, opening, ...commands.flatMap(withInner).flatMap(section)]),
  )
}

const withInner = (command: Command): Command[] => [command, ...command.commands]

/** Returns the name with that of the command it belongs to: "keybearer key create". */
const nameOf = (command: Command): string => (command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name())

function section(command: Command): string[] {
  const isOnlyGroup = command.commands.length > 0 && command.registeredArguments.length === 0 && command.options.length === 0
  const examples = commandExamples[nameOf(command).replace(/^keybearer /, '')] ?? []
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.filter((option) => !option.hidden).map(optionRow)]
  return [
    `### ${nameOf(command)}`,
    prose(sentence(command.description())),
    ...(isOnlyGroup ? [] : [fence('', usageOf(command))]),
    ...(rows.length === 0 ? [] : [table(['Argument or option', 'Meaning'], rows)]),
    ...(command.commands.length === 0
      ? []
      : [`Has commands of its own: ${command.commands.map((inner) => link(code(inner.name()), `#${anchorOf(nameOf(inner))}`)).join(', ')}.`]),
    ...(examples.length === 0 ? [] : [fence('sh', examples.join('\n'))]),
  ]
}

function usageOf(command: Command): string {
  const options = command.options.length === 0 ? [] : ['[options]']
  const parts = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${name}>` : `[${name}]`
  })
  return [nameOf(command), ...options, ...parts].join(' ')
}

const argumentRow = (argument: Argument): string[] => [
  code(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`),
  [sentence(argument.description), ...(argument.defaultValue === undefined ? [] : [`Default: ${code(String(argument.defaultValue))}.`])].join(' ').trim(),
]

const optionRow = (option: Option): string[] => [
  code(option.flags),
  [
    ...(option.mandatory ? ['Needed.'] : []),
    prose(sentence(option.description)),
    ...(option.defaultValue === undefined || option.defaultValue === '' || option.negate ? [] : [`Default: ${code(String(option.defaultValue))}.`]),
  ]
    .join(' ')
    .trim(),
]

function errorsOf(exit: number): string {
  const some = Object.entries(problemCodes).filter(([, row]) => row.exit === exit)
  if (some.length === 0) return '–'
  return some.map(([name]) => link(code(name), `errors.md#${name}`)).join(', ')
}
