import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { service } from '../base/actor.ts'
import { openService, version, type Service, type Started } from '../main.ts'
import { keepMemoryOutOfDumps } from './memory-dumps.ts'
import { say } from './output.ts'
import { watchSpool } from './watch-spool.ts'

type Options = { demo?: boolean; newLocalKey?: boolean }

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns how the command line is called: in a clone through npm. */
const commandLine = (): string => (existsSync(join(root, 'scripts', 'keybearer.sh')) ? 'npm run -s keybearer --' : 'keybearer')

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the service')
    .option('--demo', 'also start a small provider and mail server on this machine, and print what to try')
    .option('--new-local-key', 'make a new access key for the local command line, for when its file was lost')
    .action(async (options: Options) => {
      process.umask(0o077)
      keepMemoryOutOfDumps()
      const demo = options.demo ? await prepareDemo() : null
      let running: Service | undefined
      try {
        running = await openService(demo ? { ...process.env, ...demo.environment } : process.env, process.execArgv)
        await serve(running, options, demo)
      } catch (error) {
        await running?.stop()
        await demo?.stop()
        throw error
      }
    })
}

type Demo = Awaited<ReturnType<typeof prepareDemo>>

async function serve(running: Service, options: Options, demo: Demo | null): Promise<void> {
  const { settings, log } = running
  const started = running.takeStarted()
  // Before anybody is answered: whoever sees the service ready finds the key.
  const madeKey = (await started?.firstAccessKey(options.newLocalKey ?? false)) ?? null
  const keyFile = join(settings.KEYBEARER_CONFIG, 'access-key')
  if (madeKey !== null) writeKey(keyFile, madeKey)
  const at = await running.listen()
  const host = at.host === '0.0.0.0' || at.host === '::' ? '127.0.0.1' : at.host.includes(':') ? `[${at.host}]` : at.host
  const unwatch = watchSpool({ folder: settings.KEYBEARER_SENDMAIL_SPOOL, url: `http://${host}:${at.port}`, accessKeyFile: keyFile, log })

  say(`Keybearer ${version} answers at http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`)
  for (const one of at.relay) {
    const way = one.tls === 'none' ? 'without TLS' : one.tls === 'implicit' ? 'TLS' : 'STARTTLS'
    say(`  mail relay  ${one.host}:${one.port} (${way}${one.takesOldTls ? ', TLS 1.0 too: weak, for old devices only' : ''})`)
  }
  if (started === null) say('  locked      nothing is opened, and no job runs, until somebody unlocks it: keybearer unlock')
  if (!demo) say(`  data        ${settings.KEYBEARER_DATABASE_URL === null ? settings.KEYBEARER_DATA : 'PostgreSQL'}`)
  if (started?.madeKeyFile != null && !demo) say(`  master key  ${started.madeKeyFile} (made now: back it up, but not together with the data)`)
  if (madeKey !== null && !demo) say(`  access key  ${keyFile} (for the command line on this machine)`)
  const link = (await started?.setUpLink()) ?? null
  if (link !== null) say(`  web page    ${link} (the first sign-in: works once, for a day)`)
  if (demo) for (const line of await demo.introduce(started)) say(line)
  else if (madeKey !== null && process.env.INVOCATION_ID === undefined) {
    // Under systemd nobody reads this.

    say(`\nNext, in another terminal: ${commandLine()} --help, or read docs/guide/first-credential.md. Ctrl-C stops the service.`)
  }

  let ending: Promise<void> | undefined
  const end = (signal: string) => {
    ending ??= (async () => {
      log.info('service.stopping', { signal })
      const hurry = setTimeout(() => process.exit(1), settings.KEYBEARER_SHUTDOWN_SECONDS * 1000 + 2000)
      await unwatch()
      await running.stop()
      await demo?.stop()
      clearTimeout(hurry)
      log.info('service.stopped')
      process.exit(0)
    })().catch((error: unknown) => {
      log.error('service.stop_failed', { error })
      process.exit(1)
    })
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('uncaughtException', (error) => {
    log.error('service.crashed', { error })
    process.exit(70)
  })
  process.on('unhandledRejection', (error) => {
    log.error('service.unhandled', { error })
    process.exit(70)
  })
}

/** Writes the key whole or not at all, readable by its owner only. */
function writeKey(file: string, key: string): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${key}\n`, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
}

/** What `demo/start.ts` gives; it is not part of the published package, so that its types are named here. */
type RunningDemo = { provider: unknown; clientId: string; mailbox: string; smtp: { host: string; port: number }; mailUrl: string; stop: () => Promise<void> }

/** Starts the demo's servers and keeps everything of it in a folder that goes with it. */
async function prepareDemo() {
  const { startDemo } = (await import(new URL('../../demo/start.ts', import.meta.url).href)) as { startDemo: () => Promise<RunningDemo> }
  const demo = await startDemo()
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-demo-'))
  const environment = {
    KEYBEARER_DATA: join(folder, 'data'),
    KEYBEARER_CONFIG: join(folder, 'config'),
    KEYBEARER_ALLOW_PRIVATE_NETWORKS: 'true',
    KEYBEARER_LOG_LEVEL: process.env.KEYBEARER_LOG_LEVEL ?? 'warn',
  }
  return {
    environment,
    async stop() {
      await demo.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    async introduce(started: Started | null): Promise<string[]> {
      await started?.services.providers.create(demo.provider as never, service)
      const port = process.env.KEYBEARER_PORT
      return [
        '',
        'Demo: a provider and a mail server of its own run on this machine. In another terminal:',
        '',
        `  export PATH="${join(root, 'bin')}:$PATH"`,
        `  export KEYBEARER_CONFIG=${environment.KEYBEARER_CONFIG}${port === undefined || port === '' ? '' : ` KEYBEARER_PORT=${port}`}`,
        '',
        '  1. Make a credential. A real provider has to be told the redirect URI that it names; this one takes any:',
        `       keybearer add demo-mail --provider demo --client-id ${demo.clientId}`,
        '  2. Connect it: open the address that it shows, sign in as "demo" with any password, and agree:',
        '       keybearer connect demo-mail',
        '  3. Get a token, as a script would:',
        '       keybearer token demo-mail',
        '  4. Send a mail with it:',
        `       keybearer sender add demo-sender --host ${demo.smtp.host} --port ${demo.smtp.port} --tls none --credential demo-mail --from ${demo.mailbox}`,
        '       keybearer send --to you@example.org --subject Hello --text "It works."',
        '  5. See the mail, who used the credential, and what was recorded:',
        `       curl ${demo.mailUrl}`,
        '       keybearer list',
        '       keybearer audit',
        '',
        'Ctrl-C ends the demo and forgets everything.',
      ]
    },
  }
}
