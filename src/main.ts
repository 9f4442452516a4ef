import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AccessKeys } from './access/access-keys.ts'
import { AuditTrail } from './access/audit.ts'
import { Backups } from './access/backups.ts'
import { IdempotentReplies } from './access/idempotency.ts'
import { KeyWatch } from './access/key-watch.ts'
import { KeyDeliveries } from './access/key-deliveries.ts'
import { MasterKeyRotation } from './access/master-key-rotation.ts'
import { PasswordChecks } from './access/password-check.ts'
import { OidcClient } from './access/oidc-client.ts'
import { OidcSignIn } from './access/oidc-sign-in.ts'
import { Passkeys } from './access/passkeys.ts'
import { Persons } from './access/persons.ts'
import { ServiceLock } from './access/service-lock.ts'
import { Sessions } from './access/sessions.ts'
import { SignIn } from './access/sign-in.ts'
import { SignInLimit } from './access/sign-in-limit.ts'
import { HttpRequests } from './actions/http-requests.ts'
import { readPageFiles } from './api/page-files.ts'
import type { Services, Check } from './api/services.ts'
import { service } from './base/actor.ts'
import { addressRules } from './base/addresses.ts'
import { systemClock, type Clock } from './base/clock.ts'
import { EventBus, type Event } from './base/events.ts'
import { createOutgoingHttp } from './base/http.ts'
import { resolveMailExchangers } from './base/mail-exchangers.ts'
import { createLog, type Log } from './base/log.ts'
import { createMetrics } from './base/metrics.ts'
import { Problem } from './base/problem.ts'
import { readSettings, refuseUnsafeRuntime, settingsTable, type EffectiveSetting, type Settings } from './config.ts'
import { accessKeyEnds } from './credentials/calendar.ts'
import { Consents } from './credentials/consents.ts'
import type { CredentialContext } from './credentials/context.ts'
import { Credentials } from './credentials/credentials.ts'
import { DeletedCredentials } from './credentials/deleted-credentials.ts'
import { EmergencyStops } from './credentials/emergency-stops.ts'
import { Exporter } from './credentials/export-credentials.ts'
import { Importer } from './credentials/import-credentials.ts'
import { ProviderClocks } from './credentials/provider-clocks.ts'
import { Providers } from './credentials/providers.ts'
import { Renewer } from './credentials/refresh.ts'
import { Registrations } from './credentials/registrations.ts'
import { Revoker } from './credentials/revoke.ts'
import { Schedule } from './credentials/schedule.ts'
import { UsageRecorder } from './credentials/usage.ts'
import { fingerprint } from './crypto/keyring.ts'
import { createVault, type LockableVault } from './crypto/vault.ts'
import { createJobRunner } from './jobs/job-runner.ts'
import { openActions } from './main/open-actions.ts'
import { Lockable, type Where } from './main/lockable.ts'
import { relayChecks } from './main/open-relay.ts'
import { careHandlers } from './main/care.ts'
import { openServers } from './main/open-servers.ts'
import { openSealed } from './main/sealed.ts'
import { createNotifications } from './main/notifications.ts'
import { loadOrWait, masterKeySettings, oidcSettingsOf, withPassphrase } from './main/part-settings.ts'
import { KeyLimits } from './mail/key-limits.ts'
import { MailOptions } from './mail/mail-options.ts'
import { Outbox } from './mail/outbox.ts'
import { RawIntake } from './mail/raw-intake.ts'
import { Senders } from './mail/senders.ts'
import { readPasswordMail } from './providers/password-mail.ts'
import { readPopular } from './providers/popular.ts'
import { openCatalogue } from './providers/catalogue.ts'
import { openDiagnoses } from './providers/diagnoses.ts'
import { readAuditHead } from './storage/audit.ts'
import { readRestored } from './storage/backup-facts.ts'
import { clearLeases } from './storage/credentials.ts'
import { openDatabaseClock } from './storage/database-clock.ts'
import { dataKeysOf } from './storage/data-keys.ts'
import { EventTail } from './storage/event-tail.ts'
import { lastEventSeq, readEvents } from './storage/events.ts'
import { insertMasterKey, readMasterKeys } from './storage/facts.ts'
import { openDatabase } from './storage/open.ts'
import { readServiceLock } from './storage/service-lock.ts'
import { toStorageProblem } from './storage/storage-problem.ts'

export type Started = {
  services: Services
  /** Set when a key file was made just now. */
  madeKeyFile: string | null
  keyFile: string
  vault: Pick<LockableVault, 'refuseOpening' | 'destroy'>
  isLocked(): Promise<boolean>
  /** Ends what runs by itself, and waits for what is under way: what a provider has answered is kept. */
  stopJobs(): Promise<void>
  /** Makes the one-time link of the first sign-in; null when there has been one. */
  setUpLink(): Promise<string | null>
  /** Makes the first access key if there is none; returns its text once. */
  firstAccessKey(replace: boolean): Promise<string | null>
  stop(): Promise<void>
}

const root = findRoot(dirname(fileURLToPath(import.meta.url)))

/** The version of the program. */
export const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version

/** Finds the folder of the package: sources and compiled program lie in it at different depths. */
function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder))
}

/**
 * Puts the parts together and starts what runs by itself. The only place that knows them all.
 *
 * @throws Problem when a setting, the master key or the database does not allow a start; nothing was changed then
 */
export async function startParts(
  settings: Settings,
  effective: EffectiveSetting[],
  options: { clock?: Clock; log?: Log; environment?: Record<string, string | undefined>; listenPort?: number } = {},
): Promise<Started> {
  const machine = options.clock ?? systemClock
  const log = options.log ?? createLog({ level: settings.KEYBEARER_LOG_LEVEL, output: process.stderr })
  const metrics = createMetrics()
  const bus = new EventBus()
  mkdirSync(settings.KEYBEARER_DATA, { recursive: true, mode: 0o700 })
  const store = await openDatabase({
    folder: settings.KEYBEARER_DATA,
    url: settings.KEYBEARER_DATABASE_URL?.reveal(),
    now: machine.now(),
    onError: (error) => log.error('database.connection_lost', { error }),
  })
  try {
    const { db, dialect } = store
    // Nodes agree on what time it is: that of the database they share.
    const shared = dialect === 'postgres' ? await openDatabaseClock({ db, machine, onError: (error) => log.warn('clock.not_read', { error }) }) : null
    const clock = shared?.clock ?? machine
    const startedAt = clock.now()
    const keySettings = masterKeySettings(settings, options.environment?.CREDENTIALS_DIRECTORY)
    const { file: keyFile } = keySettings
    const lockedBy = await readServiceLock(db)
    if (lockedBy !== null) throw new Problem('locked', `${lockedBy.by} locked the service on ${new Date(lockedBy.at).toISOString()}.`)
    const masterKeys = loadOrWait(keySettings, await readMasterKeys(db))
    if (masterKeys.isNew) await insertMasterKey(db, { ...masterKeys.isNew, created_at: startedAt })
    const { keyring } = masterKeys
    const vault = createVault(keyring)

    const audit = new AuditTrail({
      db,
      clock,
      bus,
      key: await vault.deriveKey(dataKeysOf(db), 'audit', 'audit chain'),
      onCommit: (records) => {
        metrics.count('audit_commits_total')
        metrics.count('audit_records_total', {}, records)
      },
    })
    const tail = new EventTail({ db, bus, clock, onError: (error) => log.error('events.not_read', { error }) })
    const wake = (committed?: Event[]) => tail.wake(committed)
    const rules = addressRules(settings.KEYBEARER_ALLOW_PRIVATE_NETWORKS)
    const ca = settings.KEYBEARER_CA_FILE === null ? undefined : readFileSync(settings.KEYBEARER_CA_FILE, 'utf8')
    const http = createOutgoingHttp({ addresses: rules, ca })
    const publicUrl = settings.KEYBEARER_PUBLIC_URL ?? `http://127.0.0.1:${options.listenPort ?? settings.KEYBEARER_PORT}`
    const catalogue = openCatalogue([join(root, 'providers'), ...(settings.KEYBEARER_PROVIDERS === null ? [] : [settings.KEYBEARER_PROVIDERS])])
    for (const { file, problem } of catalogue.problems) log.error('provider.left_out', { file, error: problem })
    const providerClocks = new ProviderClocks({ http, clock, log })
    const context: CredentialContext = {
      db,
      dialect,
      clock,
      vault,
      audit,
      bus,
      http: providerClocks.http,
      providerClocks,
      log,
      wake,
      publicUrl,
      catalogue,
      popular: settings.KEYBEARER_POPULAR_CONFIGURATIONS ? readPopular(join(root, 'providers', 'popular', 'configurations.json')) : null,
      unusedDays: settings.KEYBEARER_UNUSED_DAYS,
      deletedDays: settings.KEYBEARER_DELETED_DAYS,
      passwordMail: readPasswordMail(join(root, 'providers', 'mail-servers', 'passwords.json')),
      mailExchangers: resolveMailExchangers,
      diagnoses: openDiagnoses(join(root, 'providers', 'diagnoses')),
      isFresh: () => tail.isFresh,
      allowLoopbackHttp: rules.allowsPlain('127.0.0.1'),
      count: (what, outcome) =>
        metrics.count(what === 'hand_outs' ? 'hand_outs_total' : what === 'refreshes' ? 'refreshes_total' : 'token_requests_total', { outcome }),
    }
    const watch = new KeyWatch({ db, clock, audit, bus, log, wake })
    const accessKeys = new AccessKeys({ db, clock, audit, bus, isFresh: () => tail.isFresh, watch })
    const deliveries = new KeyDeliveries({ db, clock, audit, wake })
    const sessions = new Sessions({
      db,
      clock,
      audit,
      bus,
      isFresh: () => tail.isFresh,
      wake,
      idle: settings.KEYBEARER_SESSION_IDLE_MINUTES * 60_000,
      longest: settings.KEYBEARER_SESSION_MAX_HOURS * 3_600_000,
    })
    const access = { db, dialect, clock, vault, audit, sessions, passwords: new PasswordChecks(db, vault), limit: new SignInLimit(clock), publicUrl }
    const oidcSettings = oidcSettingsOf(settings)
    const signIn = new SignIn(access)
    const registrations = new Registrations(context)
    const renewer = new Renewer(context)
    const usage = new UsageRecorder({ db, clock, bus, log })
    const revoker = new Revoker(context)
    const credentials = new Credentials(context, { registrations, renewer, usage, revoker })
    const emergencyStops = new EmergencyStops(context, credentials)
    const deletedCredentials = new DeletedCredentials(context)
    const careJobs = createJobRunner({ db, dialect, clock, log, handlers: { ...emergencyStops.handlers, ...careHandlers(context, deletedCredentials) } })
    emergencyStops.use(careJobs)
    const schedule = new Schedule(context, { renewer, revoker, concurrency: settings.KEYBEARER_REFRESH_CONCURRENCY })
    const rotation = new MasterKeyRotation({ db, clock, log, audit, keyring, source: masterKeys.source, file: keyFile, alone: dialect === 'sqlite' })
    const mail = {
      db,
      dialect,
      clock,
      vault,
      audit,
      bus,
      log,
      wake,
      isFresh: () => tail.isFresh,
      credentials,
      catalogue,
      http: providerClocks.http,
      mayConnect: (host: string, address: string, port: number) => rules.mayConnect(host, address, port),
      ca,
      maxBytes: settings.KEYBEARER_MAIL_MAX_BYTES,
      maxAge: settings.KEYBEARER_MAIL_MAX_AGE_HOURS * 3_600_000,
      changeWait: 10_000,
      keepFor: settings.KEYBEARER_MAIL_KEEP_DAYS * 86_400_000,
      fallbackAfter: settings.KEYBEARER_MAIL_FALLBACK_MINUTES * 60_000,
      count: (outcome: string) => metrics.count('messages_total', { outcome }),
    }
    const outbox = new Outbox(mail)
    const senders = new Senders(mail, outbox)
    const rawIntake = new RawIntake(mail, outbox, { foreignFrom: settings.KEYBEARER_RELAY_FROM })
    const mailOptions = new MailOptions(mail)
    const keyLimits = new KeyLimits({ db, clock })
    const requests = new HttpRequests({ ...context, http }, { credentials, countSent: (outcome) => metrics.count('sent_requests_total', { outcome }) })
    const action = openActions(settings, options.environment ?? {}, {
      ...mail,
      senders,
      outbox,
      mailOptions,
      requests,
      count: (outcome) => metrics.count('action_runs_total', { outcome }),
    })
    const backups = new Backups({ db, clock, audit, dataFolder: settings.KEYBEARER_DATA, dialect, version })
    const notifications = createNotifications(
      { ...mail, http },
      {
        outbox,
        backups,
        ends: async () => [
          ...(await credentials.ends(undefined)).filter(({ kind }) => kind === 'idle' || kind === 'password_login' || kind === 'unused'),
          ...accessKeyEnds(await accessKeys.list(), clock.now(), context.unusedDays),
        ],
        command: settings.KEYBEARER_NOTIFY_COMMAND,
        publicUrl,
      },
    )

    bus.listen((event) => {
      if (event.type === 'master_key.rotated' || event.type === 'events.missed')
        rotation.reload().catch((error: unknown) => log.error('master_key.not_reloaded', { error }))
    })
    // Only one process may use the embedded store: a lease that is still there belongs to one that died.
    if (dialect === 'sqlite') await clearLeases(db)
    await tail.start()
    await audit.record({ actor: service, action: 'service.started', outcome: 'done', detail: { version, database: dialect } })
    const restored = await readRestored(db)
    if (restored !== null && !restored.tried) {
      await audit.record({ actor: service, action: 'backup.restored', outcome: 'done', detail: { made_at: new Date(restored.madeAt).toISOString() } })
    }
    await schedule.recover()
    await rotation.resume()
    schedule.start()
    await careJobs.start()
    outbox.start()
    await notifications.start()
    await action.start()

    let stopping = false
    const facts: Services['facts'] = {
      version,
      startedAt,
      database: dialect,
      publicUrl,
      unusedDays: context.unusedDays,
      masterKeyVersion: () => keyring.newest,
      auditHead: () => readAuditHead(db),
      settings: () =>
        effective.map(({ name, value, source, secret }) => ({
          name,
          value: value === '' ? null : value,
          source,
          secret,
          summary: settingsTable[name].sentence,
        })),
      checks: () => checkService(),
      async checkReady() {
        if (stopping) throw new Problem('shutting_down', 'The service is stopping.')
        if (audit.blocked) await audit.resume()
        try {
          await db.selectFrom('heads').select('seq').limit(1).execute()
        } catch (error) {
          throw toStorageProblem(error) ?? error
        }
      },
    }
    const checkService = async (): Promise<Check[]> => {
      const remaining = await rotation.get().then(
        (view) => view.remaining,
        () => 0,
      )
      const left = remaining === 0 ? '' : ` ${remaining} data keys are still sealed by an older one.`
      const checks: Check[] = [
        {
          name: 'master key',
          outcome: 'ok',
          message: `Version ${keyring.newest} (${fingerprint(keyring.key(keyring.newest))}), from the ${masterKeys.source}.${left}`,
          nextStep: null,
        },
      ]
      try {
        await facts.checkReady()
        checks.push({
          name: 'database',
          outcome: 'ok',
          message: dialect === 'sqlite' ? `Embedded, in ${settings.KEYBEARER_DATA}.` : 'PostgreSQL answers.',
          nextStep: null,
        })
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem('storage_unavailable', 'The database does not answer.')
        checks.push({ name: 'database', outcome: 'failed', message: problem.message, nextStep: problem.nextStep })
      }
      for (const { problem } of catalogue.problems) {
        checks.push({
          name: 'provider file',
          outcome: 'warning',
          message: `Left out: ${problem.message}`,
          nextStep: 'Correct the file, and start the service again.',
        })
      }
      return [...checks, ...relayChecks(settings, clock.now())]
    }

    let jobsEnded: Promise<void> | undefined
    const stopJobs = (): Promise<void> =>
      (jobsEnded ??= (async () => {
        await schedule.stop()
        await careJobs.stop()
        await action.stop()
        await notifications.stop()
        await outbox.stop()
        await rotation.stop()
      })())

    return {
      services: {
        clock,
        providerClocks,
        log,
        bus,
        metrics,
        accessKeys,
        deliveries,
        sessions,
        signIn,
        passkeys: new Passkeys(access),
        oidc: oidcSettings && new OidcSignIn(access, new OidcClient(oidcSettings, { http, clock, publicUrl })),
        persons: new Persons(access),
        audit,
        credentials,
        deletedCredentials,
        emergencyStops,
        exporter: new Exporter(context),
        importer: new Importer(context, registrations),
        consents: new Consents(context),
        registrations,
        providers: new Providers(context),
        diagnoses: context.diagnoses,
        senders,
        mailOptions,
        outbox,
        requests,
        actions: action.actions,
        actionRuns: action.runs,
        schedules: action.schedules,
        actionHooks: action.hooks,
        rawIntake,
        keyLimits,
        rotation,
        lock: new ServiceLock({ db, clock, audit, wake }),
        backups,
        webhooks: notifications.webhooks,
        idempotency: new IdempotentReplies({ db, clock, vault }),
        events: { read: (after, limit) => readEvents(db, after, limit), last: () => lastEventSeq(db) },
        facts,
        pageKey: await vault.deriveKey(dataKeysOf(db), 'pages', 'result pages'),
      },
      madeKeyFile: masterKeys.madeFile,
      vault,
      isLocked: async () => (await readServiceLock(db)) !== null,
      keyFile,
      setUpLink: async () => (await signIn.newSetUpLink())?.reveal() ?? null,
      async firstAccessKey(replace) {
        if (!replace && (await accessKeys.exist())) return null
        const name = replace ? `local command line ${new Date(clock.now()).toISOString().slice(0, 19)}` : 'local command line'
        const made = await accessKeys.create(
          {
            name,
            permissions: [{ credential: '*', rights: ['read', 'token', 'mail', 'request'] }],
            administration: ['manage', 'keys', 'audit', 'persons', 'purge'],
            actions: ['*'],
          },
          service,
        )
        return made.key.reveal()
      },
      stopJobs,
      async stop() {
        stopping = true
        await stopJobs()
        await usage.flush()
        await watch.settled()
        await tail.stop()
        shared?.stop()
        http.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

export type Service = {
  settings: Settings
  log: Log
  /** Gives the parts away, once: nothing else may hold them when the service is locked. Null: it is locked. */
  takeStarted(): Started | null
  /** Begins to answer and returns where. @throws Problem settings_invalid when it cannot listen there */
  listen(): Promise<Where>
  stop(): Promise<void>
}

/**
 * Reads the settings of an environment and opens the service as it was left: with all its parts and the server over them, or
 * locked.
 *
 * @throws Problem see `startParts`, and settings_invalid for a runtime that would let secrets out
 */
export async function openService(environment: Record<string, string | undefined>, execArgv: readonly string[]): Promise<Service> {
  refuseUnsafeRuntime(environment, execArgv)
  const { settings, effective } = readSettings(environment)
  const log = createLog({ level: settings.KEYBEARER_LOG_LEVEL, output: process.stderr })
  let first: Started | null = null
  let isFirst = true
  const lockable = new Lockable({
    log,
    port: settings.KEYBEARER_PORT,
    host: settings.KEYBEARER_HOST,
    async open(passphrase) {
      const again = withPassphrase(environment, passphrase)
      const started = await startParts(isFirst ? settings : readSettings(again).settings, effective, { log, environment: again })
      if (isFirst) first = started
      isFirst = false
      return openServers(started, settings, readPageFiles(join(root, 'ui', 'dist')))
    },
    seal: (options) =>
      openSealed({
        ...options,
        settings,
        log,
        publicUrl: settings.KEYBEARER_PUBLIC_URL ?? `http://127.0.0.1:${settings.KEYBEARER_PORT}`,
        readAgain(passphrase) {
          const again = withPassphrase(environment, passphrase)
          return { settings: readSettings(again).settings, credentialsDirectory: again.CREDENTIALS_DIRECTORY }
        },
      }),
  })
  await lockable.open()
  isFirst = false
  return {
    settings,
    log,
    takeStarted() {
      const taken = first
      first = null
      return taken
    },
    listen: () => lockable.listen(),
    stop: () => lockable.stop(),
  }
}
