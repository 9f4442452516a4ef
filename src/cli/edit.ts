import { Command } from 'commander'
import type { CredentialChange, CredentialOptions } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { collect, readNumber, readSecretFile } from './input.ts'
import { print, say } from './output.ts'
import { connectService } from './service.ts'

type Options = {
  name?: string
  user?: string
  description?: string
  scope?: string[]
  host?: string[]
  addHost?: string[]
  tag?: string[]
  actFor?: string
  audience?: string
  consentDays?: number
  secretFile?: string
  registration?: string
}

export function editCommand(): Command {
  return new Command('edit')
    .description('change a credential; only what is named changes')
    .argument('<name>')
    .option('--name <name>', 'a new name')
    .option('--user <account>')
    .option('--description <text>')
    .option('--scope <scopes>', 'scopes to ask for from now on', collect)
    .option('--host <hosts>', 'all hosts that it may be sent to', collect)
    .option('--add-host <hosts>', 'further hosts that it may be sent to', collect)
    .option('--tag <tags>', 'all tags', collect)
    .option('--act-for <subject>', 'whom a service account acts for')
    .option('--audience <audience>')
    .option('--consent-days <days>', 'days after which each further consent ends; 0: it lasts', readNumber)
    .option('--secret-file <file>', 'file with a new API key or password; - for stdin')
    .option('--registration <name>', 'another registration')
    .action(async (name: string, options: Options) => {
      const client = connectService()
      const before = await client.getCredential({ params: { credential: name } })
      const body: CredentialChange = {
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.user === undefined ? {} : { username: options.user }),
        ...(options.description === undefined ? {} : { description: options.description }),
        ...(options.scope ? { scopes: options.scope } : {}),
        ...(options.host || options.addHost ? { allowed_hosts: [...new Set([...(options.host ?? before.allowed_hosts), ...(options.addHost ?? [])])] } : {}),
        ...(options.tag ? { tags: options.tag } : {}),
        ...(options.secretFile === undefined ? {} : { secret: readSecretFile(options.secretFile) }),
        ...(options.registration === undefined ? {} : { registration: options.registration }),
        ...(options.actFor === undefined && options.audience === undefined && options.consentDays === undefined
          ? {}
          : {
              options: {
                ...withConsentDays(before.options, options.consentDays),
                ...(options.actFor === undefined ? {} : { act_for: options.actFor }),
                ...(options.audience === undefined ? {} : { audience: options.audience }),
              },
            }),
      }
      if (Object.keys(body).length === 0)
        throw new CommandError('Nothing to change was named.', { exit: exitCodes.usage, nextStep: 'See "keybearer edit --help".' })
      const after = await client.changeCredential({ params: { credential: name }, body, ifMatch: `"r${before.revision}"` })
      print(`"${after.name}" is changed. Status: ${after.status.replace('_', ' ')}.`)
      if (before.has_secret && !after.has_secret) say('The stored secret was removed, because it was entered for something else. Enter it again, or reconnect.')
      else if (options.scope && after.grant === 'authorization_code')
        say(`The new scopes hold after the next consent: keybearer connect ${shellWord(after.name)}`)
    })
}

/** Returns the options with the days that were said, or as they were. */
function withConsentDays(before: CredentialOptions, days: number | undefined): CredentialOptions {
  if (days === undefined) return before
  const { consent_lifetime: _, ...others } = before
  return days === 0 ? others : { ...others, consent_lifetime: Math.round(days * 86_400) }
}
