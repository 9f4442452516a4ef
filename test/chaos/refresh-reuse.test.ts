import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { KyselyPlugin } from 'kysely'
import { Problem } from '../../src/base/problem.ts'
import type { CredentialContext } from '../../src/credentials/context.ts'
import { recoverInterrupted } from '../../src/credentials/recovery.ts'
import { Renewer } from '../../src/credentials/refresh.ts'
import { credentialPlace, readStoredSecret } from '../../src/credentials/token-set.ts'
import { dataKeysOf } from '../../src/storage/data-keys.ts'
import { readAttempt } from '../../src/storage/refresh-attempts.ts'
import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { databases, makePlace, makeRefreshable, openWorld, tester, type World } from '../world.ts'

const isWhole = process.env.KEYBEARER_TEST_CHAOS === 'whole'
const child = join(import.meta.dirname, 'refresh-child.ts')
const client = { client_id: 'client', client_secret: 'client-secret', token_endpoint_auth_method: 'client_secret_basic' }

const startServer = async (): Promise<AuthorizationServer> =>
  await startAuthorizationServer({
    clients: [{ ...client, grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://unused.rig.test/callback'] }],
  })

async function connect(world: World, server: AuthorizationServer, name: string): Promise<string> {
  const id = await makeRefreshable(world, { url: server.issuer }, name, await server.issueRefreshToken('alice', 'client'))
  await world.credentials.refresh(id, tester)
  return id
}

/** What the server saw of one refresh token: how often it came, and how often that was after it had been used. */
function reusesOf(server: AuthorizationServer): Map<string, number> {
  const used = new Set<string>()
  const reuses = new Map<string, number>()
  for (const { refreshToken, status } of server.requests) {
    if (refreshToken === null) continue
    if (used.has(refreshToken)) reuses.set(refreshToken, (reuses.get(refreshToken) ?? 0) + 1)
    if (status === 200) used.add(refreshToken)
  }
  return reuses
}

type Fault =
  | { kind: 'dies_at_statement'; statement: number }
  | { kind: 'dies_before_sending' | 'dies_before_reading' | 'answer_lost' | 'never_arrives' | 'none' }

class Killed extends Error {}

const randomFault = (): Fault => {
  const one = Math.random()
  if (one < 0.6) return { kind: 'dies_at_statement', statement: 1 + Math.floor(Math.random() * 16) }
  if (one < 0.68) return { kind: 'dies_before_sending' }
  if (one < 0.76) return { kind: 'dies_before_reading' }
  if (one < 0.84) return { kind: 'answer_lost' }
  if (one < 0.92) return { kind: 'never_arrives' }
  return { kind: 'none' }
}

/** Returns what a process that may die in the middle works with: once dead, nothing that it does is committed any more. */
function mortal(world: World, fault: Fault): CredentialContext {
  let dead = false
  let statements = 0
  const die = () => {
    dead = true
    throw new Killed()
  }
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => (dead ? die() : node),
    async transformResult({ result }) {
      statements += 1
      if (dead || (fault.kind === 'dies_at_statement' && statements === fault.statement)) die()
      return result
    },
  }
  const { context } = world
  return {
    ...context,
    db: context.db.withPlugin(plugin),
    clock: { ...context.clock, sleep: async (time, signal) => (dead ? die() : await context.clock.sleep(time, signal)) },
    async http(request) {
      if (fault.kind === 'dies_before_sending') die()
      if (fault.kind === 'never_arrives') throw new Problem('outgoing_failed', 'cut before it arrived', { facts: { sent: true } })
      const response = await context.http(request)
      if (fault.kind === 'dies_before_reading') die()
      if (fault.kind === 'answer_lost') throw new Problem('outgoing_failed', 'cut after it was answered', { facts: { sent: true } })
      return response
    },
  }
}

/** Renews as callers do that come together; what becomes of it is seen afterwards. */
async function renewTogether(context: CredentialContext, id: string, generation: number): Promise<void> {
  const renewer = new Renewer(context)
  const once = () => renewer.renew(id, { generation, actor: tester, asked: 'by_person' })
  await Promise.allSettled([once(), once()])
}

async function restart(world: World, id: string): Promise<void> {
  await world.context.db.updateTable('credentials').set({ lease: null, lease_until: null }).execute()
  await recoverInterrupted(world.context, world.renewer, () => false)
  const { generation } = await world.context.db.selectFrom('credentials').select('generation').where('id', '=', id).executeTakeFirstOrThrow()
  const attempt = await readAttempt(world.context.db, id)
  if (attempt) await world.renewer.renew(id, { generation, actor: tester, asked: 'by_person' })
}

async function storedRefreshToken(world: World, id: string): Promise<string | undefined> {
  const { db, vault } = world.context
  const row = await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const stored = readStoredSecret(await vault.open(dataKeysOf(db), credentialPlace(id, row.generation), row.secret!))
  return stored.kind === 'oauth2' ? stored.refreshToken?.reveal() : undefined
}

for (const database of databases) {
  describe(`refresh tokens that are replaced, on ${database}`, () => {
    const runs = isWhole ? 10_000 : database === 'sqlite' ? 1500 : 500

    it('O18: of thousands of renewals that die or are cut anywhere, only one without a kept answer is repeated, and once', { timeout: 1_800_000 }, async () => {
      const place = await makePlace(database)
      const server = await startServer()
      const world = await openWorld(place)
      const seen = { repeated: 0, finished: 0, lost: 0, renewed: 0, kept: 0 }
      try {
        let id = await connect(world, server, 'c0')
        for (let run = 1; run <= runs; run++) {
          const before = await storedRefreshToken(world, id)
          const from = server.requests.length
          const { generation } = await world.context.db.selectFrom('credentials').select('generation').where('id', '=', id).executeTakeFirstOrThrow()
          const fault = randomFault()
          await renewTogether(mortal(world, fault), id, generation)
          const attempt = await readAttempt(world.context.db, id)
          const isUnknown = attempt?.state === 'sent' || attempt?.state === 'lost'
          if (attempt?.state === 'answered') seen.kept += 1

          await restart(world, id)
          assert.equal(await readAttempt(world.context.db, id), undefined, 'nothing of the renewal is left over')
          const requests = server.requests.slice(from).filter(({ refreshToken }) => refreshToken !== null)
          const uses = requests.filter(({ refreshToken }) => refreshToken === before).length
          const context = `run ${run}, ${JSON.stringify(fault)}, found ${attempt?.state ?? 'nothing'}`
          assert.ok(uses <= (isUnknown ? 2 : 1), `${context}: the token went out ${uses} times`)
          assert.equal(requests.length, uses, `${context}: another token was sent`)
          if (uses === 2) seen.repeated += 1

          const view = await world.credentials.get(id)
          if (view.status === 'needs_consent') {
            assert.ok(isUnknown, `${context}: the token set was lost`)
            assert.equal(view.reason?.code, 'rotation_lost')
            seen.lost += 1
            id = await connect(world, server, `c${run}`)
            continue
          }
          assert.equal(view.status, 'ready', context)
          const now = await storedRefreshToken(world, id)
          const isReplaced = requests.some(({ status }) => status === 200)
          assert.equal(now !== before, isReplaced, `${context}: what is stored is not what the provider gave last`)
          if (isReplaced) seen.renewed += 1
          else seen.finished += 1
        }
        for (const [, count] of reusesOf(server)) assert.equal(count, 1)
        assert.equal(reusesOf(server).size, seen.lost, 'every reuse is the one allowed repetition')
        assert.equal((await world.context.audit.verify()).ok, true)
        // Every kind of interruption came about.
        assert.ok(seen.repeated > runs / 20 && seen.lost > runs / 20 && seen.kept > runs / 20 && seen.renewed > runs / 3, JSON.stringify(seen))
      } finally {
        await world.close()
        await server.stop()
        await place.remove()
      }
    })

    it('O18: kill -9 at random moments leads to no reuse but the one of an answer that nobody kept', { timeout: 600_000 }, async () => {
      const place = await makePlace(database)
      const server = await startServer()
      let lost = 0
      try {
        for (let round = 0; round < (isWhole ? 200 : 12); round++) {
          const first = await openWorld(place)
          const id = await connect(first, server, `k${round}`)
          await first.close()
          await killAtRandom(place.folder, place.url ?? '-', id)
          const second = await openWorld(place)
          try {
            const attempt = await readAttempt(second.context.db, id)
            await restart(second, id)
            const view = await second.credentials.get(id)
            if (view.status === 'needs_consent') {
              assert.equal(attempt?.state, 'sent')
              assert.equal(view.reason?.code, 'rotation_lost')
              lost += 1
            } else assert.equal((await second.credentials.refresh(id, tester)).status, 'ready')
            assert.equal(reusesOf(server).size, lost)
            for (const [, count] of reusesOf(server)) assert.equal(count, 1)
          } finally {
            await second.close()
          }
        }
      } finally {
        await server.stop()
        await place.remove()
      }
    })
  })
}

function killAtRandom(folder: string, url: string, id: string): Promise<void> {
  return new Promise((done, fail) => {
    const running = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, folder, url, id], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.stdout.once('data', () => setTimeout(() => running.kill('SIGKILL'), Math.random() * 150))
    running.once('exit', () => done())
    running.once('error', fail)
  })
}
