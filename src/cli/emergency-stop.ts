import { Command } from 'commander'
import type { EmergencyStop, NewEmergencyStop, Operations } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { ask, canAsk, collect, oneOf, readDate } from './input.ts'
import { print, printJson, printTable, relative, say } from './output.ts'
import { allPages, connectService } from './service.ts'

type Client = ReturnType<typeof connectService>
type Criteria = {
  search?: string
  status?: string[]
  kind?: string
  provider?: string
  registration?: string
  tag?: string
  account?: string
  usedBy?: string
  createdBefore?: string
  unusedSince?: string
}
type BeginOptions = Criteria & { everything?: boolean; revoke?: boolean; reason?: string; yes?: boolean; wait: boolean; json?: boolean }

const interval = 500

export function emergencyStopCommand(): Command {
  const command = new Command('emergency-stop').description('switch off many credentials in one action, and take their tokens back')
  command.addCommand(beginCommand())
  command.addCommand(
    new Command('list')
      .description('list the latest')
      .option('--json', 'print JSON')
      .action(async (options: { json?: boolean }) => {
        const page = await connectService().listEmergencyStops()
        if (options.json) return printJson(page)
        printTable(
          ['ID', 'BEGUN', 'BY', 'CREDENTIALS', 'STATE', 'REASON'],
          page.items.map((stop) => [
            stop.id,
            relative(stop.created_at),
            stop.created_by.name,
            String(stop.total),
            sentenceOf(stop),
            stop.reason.split('\n')[0]!,
          ]),
        )
      }),
  )
  command.addCommand(
    new Command('show')
      .description('show how far one is, and what is left for a person')
      .argument('<id>')
      .option('--json', 'print JSON')
      .action(async (id: string, options: { json?: boolean }) => {
        const client = connectService()
        const stop = await client.getEmergencyStop({ params: { stop: id } })
        const credentials = await stoppedBy(client, id)
        if (options.json) return printJson({ ...stop, credentials })
        print(sentenceOf(stop))
        printTable(
          ['NAME', 'STATE', 'WHAT IS LEFT'],
          credentials.map((one) => [one.credential.name, one.state.replace('_', ' '), one.message ?? '']),
        )
      }),
  )
  command.addCommand(
    new Command('undo')
      .description('switch on again what one has switched off; tokens that were taken back stay so')
      .argument('<id>')
      .action(async (id: string) => {
        const { resumed } = await connectService().undoEmergencyStop({ params: { stop: id }, body: {} })
        print(`${count(resumed)} switched on again.`)
      }),
  )
  return command
}

function beginCommand(): Command {
  return new Command('begin')
    .description('switch off all credentials that fit everything that is named here')
    .option('--search <text>', 'part of a name, user or description')
    .option('--status <status>', 'with this status; several with commas', collect)
    .addOption(oneOf('--kind <kind>', 'of this kind', ['oauth2', 'api_key', 'basic']))
    .option('--provider <id>', 'of this provider')
    .option('--registration <name>', 'of this registration')
    .option('--tag <tag>', 'with this tag')
    .option('--account <user>', 'of this user')
    .option('--used-by <key>', 'that this access key has used')
    .option('--created-before <date>', 'made before this date', readDate)
    .option('--unused-since <date>', 'not used since this date, and older', readDate)
    .option('--everything', 'all there are')
    .option('--revoke', 'take their tokens back at the providers, too: each then needs a person who connects it again')
    .option('--reason <text>', 'why, for those who look later')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait until the tokens are taken back')
    .option('--json', 'print JSON')
    .action(begin)
}

async function begin(options: BeginOptions): Promise<void> {
  const match = matchOf(options)
  if (Object.keys(match).length === 0 && !options.everything)
    throw new CommandError('Name what is to be stopped, or --everything.', { exit: exitCodes.usage, nextStep: 'See: keybearer emergency-stop begin --help' })
  const client = connectService()
  if (!options.yes) await askFirst(client, match, options.revoke === true)
  const begun = await client.beginEmergencyStop({
    body: {
      match,
      revoke: options.revoke === true,
      ...(options.everything ? { everything: true as const } : {}),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    },
  })
  if (!options.json) say(`${count(begun.total)} switched off: no token of them is handed out any more.`)
  const stop = options.wait ? await untilDone(client, begun, options.json === true) : begun
  if (options.json) return printJson(stop)
  const left = (await stoppedBy(client, stop.id)).filter((one) => one.message !== null)
  for (const one of left) print(`${one.credential.name}: ${one.message}`)
  print(sentenceOf(stop))
  say(`Look again: keybearer emergency-stop show ${shellWord(stop.id)}`)
}

async function askFirst(client: Client, match: NewEmergencyStop['match'], revoke: boolean): Promise<void> {
  if (!canAsk()) throw new CommandError('An emergency stop needs --yes where nobody can be asked.', { exit: exitCodes.usage })
  const { status, ...others } = match
  const query: Operations['countCredentials']['query'] = others
  const { total, by_status } = await client.countCredentials({ query })
  const fitting = status === undefined ? total : status.reduce((sum, one) => sum + by_status[one], 0)
  say(`${count(fitting)} will be switched off${revoke ? ', and their tokens taken back: each then needs a person who connects it again' : ''}.`)
  if ((await ask('Type "stop" to go on', '--yes')) !== 'stop') throw new CommandError('Nothing was stopped.', { exit: exitCodes.failed })
}

async function untilDone(client: Client, begun: EmergencyStop, isQuiet: boolean): Promise<EmergencyStop> {
  let stop = begun
  // What a provider does not answer is asked for days; nobody waits for that here.
  for (let told = ''; stop.counts.waiting > 0 && !stop.done;) {
    await new Promise((done) => setTimeout(done, interval))
    stop = await client.getEmergencyStop({ params: { stop: begun.id } })
    const sentence = sentenceOf(stop)
    if (!isQuiet && sentence !== told) say(sentence)
    told = sentence
  }
  return stop
}

const stoppedBy = (client: Client, stop: string) =>
  allPages((cursor) => client.listStoppedCredentials({ params: { stop }, query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) } }))

function sentenceOf({ counts, total, undone_at }: EmergencyStop): string {
  const parts = [
    counts.waiting + counts.revoking > 0 ? `${counts.waiting + counts.revoking} tokens still to be taken back` : '',
    counts.revoked > 0 ? `${counts.revoked} taken back` : '',
    counts.not_revoked > 0 ? `${counts.not_revoked} left for a person` : '',
  ].filter((part) => part !== '')
  return `${count(total)} stopped${parts.length === 0 ? '' : `: ${parts.join(', ')}`}${undone_at === null ? '.' : `; switched on again ${relative(undone_at)}.`}`
}

const count = (number: number): string => (number === 1 ? '1 credential' : `${number} credentials`)

function matchOf(options: Criteria): NewEmergencyStop['match'] {
  const { search, status, kind, provider, registration, tag, account, usedBy, createdBefore, unusedSince } = options
  const match = { search, status, kind, provider, registration, tag, account, used_by: usedBy, created_before: createdBefore, unused_since: unusedSince }
  // What is not one of its words the service refuses, and says which there are.
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)) as NewEmergencyStop['match']
}
