import { execFile } from 'node:child_process'
import { Command } from 'commander'
import type { Consent } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { childEnvironment } from './child-environment.ts'
import { CommandError } from './connection.ts'
import { ask } from './input.ts'
import { print, say } from './output.ts'
import { connectService } from './service.ts'

type Options = { paste?: boolean; device?: boolean; browser?: boolean; link?: boolean; withdraw?: boolean; otherAccount?: boolean }

export function connectCommand(): Command {
  return new Command('connect')
    .description('let a person sign in and consent, or reconnect; shows the address to open and waits')
    .argument('<name>')
    .option('--paste', 'for a browser elsewhere: paste the address that it ends at')
    .option('--device', 'for a browser elsewhere: type a code there (device flow)')
    .option('--link', 'for somebody else: print a link to send, which works once, and do not wait')
    .option('--withdraw', 'end the link that was sent: it opens nothing any more')
    .option('--no-browser', 'do not open a browser, only show the address')
    .option('--other-account', 'allow another account than before')
    .action(async (name: string, options: Options) => {
      const client = connectService()
      const credential = await client.getCredential({ params: { credential: name } })
      if (credential.kind !== 'oauth2' || credential.grant === 'client_credentials' || credential.grant === 'jwt_bearer') {
        say('It needs no person. Fetching a token instead …')
        const view = await client.refreshCredential({ params: { credential: name } })
        return print(`"${view.name}" works. Status: ${view.status.replace('_', ' ')}.`)
      }
      if (options.withdraw) {
        const { items } = await client.listConsents({ params: { credential: name } })
        const links = items.filter((consent) => consent.mode === 'link')
        for (const link of links) await client.withdrawConsent({ params: { consent: link.id } })
        if (links.length === 0) return print(`No link to connect "${credential.name}" waits.`)
        print(`Withdrawn: the link to connect "${credential.name}" opens nothing any more.`)
        return say(`A new one: keybearer connect ${shellWord(credential.name)} --link`)
      }
      if (options.link) {
        const started = await client.startConsent({
          params: { credential: name },
          body: { mode: 'link', ...(options.otherAccount ? { allow_other_account: true } : {}) },
        })
        print(started.link ?? '')
        say(`Send it to whoever has the account. It works once, until ${started.expires_at.slice(0, 10)}, and replaces a link sent before.`)
        return say(`To end it before: keybearer connect ${shellWord(name)} --withdraw`)
      }
      const mode = options.device || (credential.grant === 'device_code' && !options.paste) ? 'device' : options.paste ? 'paste' : 'browser'
      const started = await client.startConsent({
        params: { credential: name },
        body: { mode, ...(options.otherAccount ? { allow_other_account: true } : {}) },
      })
      const ended =
        mode === 'device'
          ? await byDevice(client, started)
          : mode === 'paste'
            ? await byPaste(client, started)
            : await byBrowser(client, started, options.browser !== false)
      if (ended.status !== 'done') {
        throw new CommandError(ended.problem?.detail ?? 'The consent ran out.', {
          exit: exitCodes.needs_person,
          nextStep: ended.problem?.next_step ?? `Start it again: keybearer connect ${shellWord(name)}`,
        })
      }
      const view = await client.getCredential({ params: { credential: name } })
      print(`"${view.name}" is connected${view.username === null ? '' : ` as ${view.username}`}. Status: ${view.status.replace('_', ' ')}.`)
      if (view.missing_scopes.length > 0) say(`Not granted: ${view.missing_scopes.join(', ')}`)
      say(`A token: keybearer token ${shellWord(view.name)}`)
    })
}

type Client = ReturnType<typeof connectService>

async function byBrowser(client: Client, started: Consent, mayOpen: boolean): Promise<Consent> {
  say('Open this address in a browser, sign in and agree:\n')
  print(started.authorization_url ?? '')
  say('\nWaiting for the browser to come back … (Ctrl-C to stop; on a machine without a browser use --paste or --device)')
  if (mayOpen && started.authorization_url !== null) openBrowser(started.authorization_url)
  return await waitFor(client, started)
}

async function byPaste(client: Client, started: Consent): Promise<Consent> {
  say('Open this address in a browser anywhere, sign in and agree:\n')
  print(started.authorization_url ?? '')
  say('\nThe browser then shows a page that may not load. Copy the whole address of that page.')
  const redirect_url = process.stdin.isTTY ? await ask('Paste it here', 'the address') : (await readAll()).trim()
  return await client.answerConsent({ params: { consent: started.id }, body: { redirect_url } })
}

async function byDevice(client: Client, started: Consent): Promise<Consent> {
  say('On any device open this address and type the code:\n')
  print(started.verification_uri ?? '')
  print(`Code: ${started.user_code ?? ''}`)
  if (started.verification_uri_complete !== null) say(`\nOr open this, with the code in it:\n  ${started.verification_uri_complete}`)
  say('\nWaiting … (Ctrl-C to stop)')
  return await waitFor(client, started)
}

async function waitFor(client: Client, started: Consent): Promise<Consent> {
  for (;;) {
    await new Promise((done) => setTimeout(done, 700))
    const consent = await client.getConsent({ params: { consent: started.id } })
    if (consent.status !== 'waiting' && consent.status !== 'exchanging') return consent
  }
}

async function readAll(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  return text
}

/** Opens the system's browser: the address is one argument of a program, and nothing reads it as a command. */
function openBrowser(address: string): void {
  const url = new URL(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return
  const hasDisplay = process.platform === 'darwin' || process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined
  if (!process.stderr.isTTY || !hasDisplay) return
  const opener = execFile(process.platform === 'darwin' ? 'open' : 'xdg-open', [url.href], { env: childEnvironment(process.env) })
  opener.on('error', () => say('(No browser could be opened from here.)'))
}
