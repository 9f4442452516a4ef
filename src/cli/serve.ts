import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { createServer } from '../api/server.ts'
import { createLog } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { service } from '../base/actor.ts'
import { readSettings, refuseUnsafeRuntime, type Settings } from '../config.ts'
import { startParts, type Started } from '../main.ts'
import { say } from './output.ts'

type Options = { demo?: boolean; newLocalKey?: boolean }

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the service')
    .option('--demo', 'also start a small provider and mail server on this machine, and print what to try')
    .option('--new-local-key', 'make a new access key for the local command line, for when its file was lost')
    .action(async (options: Options) => {
      refuseUnsafeRuntime(process.env, process.execArgv)
      process.umask(0o077)
      const demo = options.demo ? await prepareDemo() : null
      const { settings, effective } = readSettings(demo ? { ...process.env, ...demo.environment } : process.env)
      const log = createLog({ level: settings.KEYBEARER_LOG_LEVEL, output: process.stderr })
      let started: Started | undefined
      try {
        started = await startParts(settings, effective, { log, credentialsDirectory: process.env.CREDENTIALS_DIRECTORY })
        await serve(started, settings, options, demo)
      } catch (error) {
        await started?.stop()
        await demo?.stop()
        throw error
      }
    })
}

type Demo = Awaited<ReturnType<typeof prepareDemo>>

async function serve(started: Started, settings: Settings, options: Options, demo: Demo | null): Promise<void> {
  const { services } = started
  const server = createServer(services, {
    allowedHosts: settings.KEYBEARER_ALLOWED_HOSTS, trustedProxies: settings.KEYBEARER_TRUSTED_PROXIES, mailMaxBytes: settings.KEYBEARER_MAIL_MAX_BYTES,
    metrics: settings.KEYBEARER_METRICS, shutdownSeconds: settings.KEYBEARER_SHUTDOWN_SECONDS,
  })
  const at = await listen(server, settings)
  const madeKey = await started.firstAccessKey(options.newLocalKey ?? false)
  const keyFile = join(settings.KEYBEARER_CONFIG, 'access-key')
  if (madeKey !== null) writeKey(keyFile, madeKey)

  say(`Keybearer ${services.facts.version} answers at http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`)
  say(`  data        ${services.facts.database === 'sqlite' ? settings.KEYBEARER_DATA : 'PostgreSQL'}`)
  if (started.madeKeyFile !== null) say(`  master key  ${started.madeKeyFile} (made now: back it up, but not together with the data)`)
  if (madeKey !== null) say(`  access key  ${keyFile} (for the command line on this machine)`)
  if (demo) for (const line of await demo.introduce(started)) say(line)

  let ending: Promise<void> | undefined
  const end = (signal: string) => {
    ending ??= (async () => {
      services.log.info('service.stopping', { signal })
      const hurry = setTimeout(() => process.exit(1), settings.KEYBEARER_SHUTDOWN_SECONDS * 1000 + 2000)
      await server.close()
      await started.stop()
      await demo?.stop()
      clearTimeout(hurry)
      services.log.info('service.stopped')
      process.exit(0)
    })().catch((error: unknown) => {
      services.log.error('service.stop_failed', { error })
      process.exit(1)
    })
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('uncaughtException', (error) => {
    services.log.error('service.crashed', { error })
    process.exit(70)
  })
  process.on('unhandledRejection', (error) => {
    services.log.error('service.unhandled', { error })
    process.exit(70)
  })
}

async function listen(server: ReturnType<typeof createServer>, settings: Settings): Promise<{ port: number; host: string }> {
  try {
    return await server.listen(settings.KEYBEARER_PORT, settings.KEYBEARER_HOST)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const where = `${settings.KEYBEARER_HOST}:${settings.KEYBEARER_PORT}`
    if (code === 'EADDRINUSE') {
      throw new Problem('settings_invalid', `Another program listens on ${where}.`, { cause: error, nextStep: 'Stop it, or set KEYBEARER_PORT to another port.' })
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new Problem('settings_invalid', `${where} cannot be listened on (${code}).`, { cause: error, nextStep: 'Correct KEYBEARER_HOST or KEYBEARER_PORT.' })
    }
    throw error
  }
}

/** Writes the key whole or not at all, readable by its owner only. */
function writeKey(file: string, key: string): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${key}\n`, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
}

/** Starts the demo's servers and keeps everything of it in a folder that goes with it. */
async function prepareDemo() {
  const { startDemo } = (await import(new URL('../../demo/start.ts', import.meta.url).href)) as typeof import('../../demo/start.ts')
  const demo = await startDemo()
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-demo-'))
  const environment = {
    KEYBEARER_DATA: join(folder, 'data'), KEYBEARER_CONFIG: join(folder, 'config'), KEYBEARER_ALLOW_PRIVATE_NETWORKS: 'true', KEYBEARER_LOG_LEVEL: process.env.KEYBEARER_LOG_LEVEL ?? 'warn',
  }
  return {
    environment,
    async stop() {
      await demo.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    async introduce(started: Started): Promise<string[]> {
      await started.services.providers.create(demo.provider as never, service)
      const command = 'npm run -s keybearer --'
      return [
        '',
        'Demo: a provider and a mail server of its own run on this machine. In another terminal, in this folder:',
        '',
        `  export KEYBEARER_CONFIG=${environment.KEYBEARER_CONFIG}${process.env.KEYBEARER_PORT === undefined ? '' : ` KEYBEARER_PORT=${process.env.KEYBEARER_PORT}`}`,
        '',
        '  1. Make a credential and connect it; open the address it shows, sign in as "demo", agree:',
        `       ${command} add demo-mail --provider demo --client-id ${demo.clientId}`,
        `       ${command} connect demo-mail`,
        '  2. Get a token, as a script would:',
        `       ${command} token demo-mail`,
        '  3. Send a mail with it:',
        `       ${command} sender add demo-sender --host ${demo.smtp.host} --port ${demo.smtp.port} --tls none --credential demo-mail --from ${demo.mailbox}`,
        `       ${command} send --to you@example.org --subject Hello --text "It works."`,
        '  4. See the mail, who used the credential, and what was recorded:',
        `       curl ${demo.mailUrl}`,
        `       ${command} list`,
        `       ${command} audit`,
        '',
        'Ctrl-C ends the demo and forgets everything.',
      ]
    },
  }
}
