import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { sql } from 'kysely'
import { isProblem } from '../../src/base/problem.ts'
import { letter, openMail, until } from '../mail-world.ts'
import { accepted, hand, logIn, mail as relayed, relayBedOf } from '../relay-world.ts'
import { makeService } from '../service.ts'
import { mountSmallDisk } from '../small-disk.ts'
import { makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type World } from '../world.ts'

function fill(folder: string): () => void {
  const file = join(folder, 'ballast')
  const handle = openSync(file, 'w')
  const block = Buffer.alloc(4096)
  try {
    for (;;) writeSync(handle, block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(handle)
  }
  return () => rmSync(file)
}

it('A2: a full disk: nothing is handed out, accepted or changed, the errors say why, and it works again without a restart', { timeout: 120_000 }, async (t) => {
  const small = mountSmallDisk('8m')
  if (small === null) return t.skip('needs the right to mount')
  const service = await makeService({ KEYBEARER_DATA: join(small.folder, 'data') })
  try {
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'sk-1')
    await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'))
    await service.get('sender', 'add', 'office', '--host', '127.0.0.1', '--port', '9', '--tls', 'none', '--from', 'anna@example.org', '--default')
    const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
    const call = async (path: string, body: object, method = 'POST') => {
      const response = await fetch(`${service.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const answer = (await response.json()) as { code?: string; next_step?: string; detail?: string }
      return { status: response.status, retryAfter: Number(response.headers.get('retry-after')), ...answer }
    }
    let handedOut = 0
    const token = async () => {
      const answer = await call('/v1/credentials/crm/token', {})
      if (answer.status === 200) handedOut += 1
      return answer
    }
    await token()

    const free = fill(small.folder)
    // What lies in the log of the database can still be written over for a while.
    const refused = await until('a hand-out is refused', async () => {
      const answer = await token()
      return answer.status === 200 ? undefined : answer
    })
    assert.deepEqual([refused.status, refused.code], [503, 'audit_blocked'])
    assert.match(`${refused.detail} ${refused.next_step}`, /disk is full.*Free disk space/i)
    assert.ok(refused.retryAfter >= 1)
    const message = await call('/v1/mail/messages', { to: ['bob@example.net'], subject: 'x', text: 'x'.repeat(100_000) })
    assert.deepEqual([message.status, message.code], [507, 'storage_full'])
    const large = 'x'.repeat(1500)
    for (const [method, path, body] of [
      ['PATCH', '/v1/credentials/crm', { description: large }],
      ['PATCH', '/v1/credentials/crm', { secret: 'sk-2' }],
      ['POST', '/v1/credentials/crm/pause', {}],
      ['POST', '/v1/access-keys', { name: 'late', permissions: [{ credential: '*', rights: ['token'] }] }],
      ['PATCH', '/v1/senders/office', { from_name: large.slice(0, 190) }],
      ['DELETE', '/v1/senders/office', {}],
    ] as const) {
      const answer = await call(path, body, method)
      assert.ok(['storage_full', 'audit_blocked'].includes(answer.code ?? ''), `${method} ${path}: ${answer.status} ${answer.code}`)
      assert.equal('access_key' in answer || 'key' in answer, false)
    }
    const shown = await service.cli(['token', 'crm'])
    assert.deepEqual([shown.status, shown.stdout], [75, ''])
    assert.equal((await fetch(`${service.url}/livez`)).status, 200)
    await until('it says that it is not ready', async () => {
      await token()
      return (await fetch(`${service.url}/readyz`)).status === 503
    })

    free()
    // Before anybody asks for a token: who is not ready is not asked.
    await until('it is ready again', async () => (await fetch(`${service.url}/readyz`)).status === 200)
    assert.equal((await token()).status, 200)
    assert.equal(await service.get('token', 'crm'), 'sk-1\n')
    handedOut += 1
    const credential = JSON.parse(await service.get('show', 'crm', '--json')) as { status: string; description: string | null }
    assert.deepEqual([credential.status, credential.description], ['ready', ''])
    assert.doesNotMatch(await service.get('key', 'list'), /late/)
    assert.match(await service.get('sender', 'list'), /office/)
    for (const action of ['credential.changed', 'credential.paused', 'access_key.created', 'sender.changed', 'sender.deleted']) {
      const { items } = JSON.parse(await service.get('audit', '--action', action, '--json')) as {
        items: { subject: { name: string | null } | null; outcome: string }[]
      }
      assert.deepEqual(
        items.filter((item) => item.outcome === 'done' && item.subject?.name !== 'local command line'),
        [],
        action,
      )
    }
    assert.match(await service.get('audit', 'verify'), /fit together/)
    const { items } = JSON.parse(await service.get('audit', '--action', 'token.handed_out', '--limit', '500', '--json')) as {
      items: { outcome: string; detail: { count?: number } }[]
    }
    const recorded = items.filter((item) => item.outcome === 'done').reduce((sum, item) => sum + (item.detail.count ?? 1), 0)
    assert.equal(recorded, handedOut, 'every token that left is recorded')
    assert.doesNotMatch(service.output(), /service\.(?:crashed|unhandled)/)
  } finally {
    await service.remove()
    small.unmount()
  }
})

it('a full disk: the relay says 452 and takes the message when it comes again; what it took before is there', async (t) => {
  const bed = await relayBedOf(t, { start: false })
  const { db } = bed.world.store
  const client = await logIn(bed)
  const letterOf = (subject: string) => relayed('From: anna@example.org', `Subject: ${subject}`, `X-Filler: ${'x'.repeat(900)}`, '', 'x'.repeat(60_000))
  const took: string[] = []
  const room = await fillDatabase(db)
  try {
    // What is free in the file is used up first.
    let reply = ''
    for (let i = 0; i < 50 && !reply.startsWith('452'); i++) {
      reply = await hand(client, ['bob@example.net'], letterOf(`early ${i}`))
      if (reply.startsWith('250')) took.push(`early ${i}`)
    }
    assert.match(reply, /^452 4\.3\.1 .*[Ff]ree some space/)
    const others = await Promise.all(Array.from({ length: 20 }, () => logIn(bed)))
    const replies = await Promise.all(others.map((other, i) => hand(other, ['bob@example.net'], letterOf(`crowd ${i}`))))
    assert.ok(
      replies.every((one) => one.startsWith('452 4.3.1')),
      replies.join(''),
    )
    await room()
    for (const [i, other] of others.entries()) {
      accepted(await hand(other, ['bob@example.net'], letterOf(`crowd ${i}`)))
      took.push(`crowd ${i}`)
      other.close()
    }
  } finally {
    await room()
  }
  const subjects = (await db.selectFrom('messages').select('subject').execute()).map((row) => row.subject)
  assert.deepEqual(subjects.sort(), took.sort())
  assert.equal((await bed.context.audit.verify()).ok, true)
  client.close()
})

it('a database that may not grow: a renewal keeps what the provider answered until there is room, and loses nothing', async () => {
  const place = await makePlace('sqlite')
  const fake = await startFakeProvider()
  const world = await openWorld(place)
  const mail = openMail(world)
  const { db } = world.store
  let room: () => Promise<void> = async () => undefined
  try {
    fake.answer = () => ({ body: { access_token: 'at-1', expires_in: 3600, refresh_token: 'rt-1' } })
    const id = await makeRefreshable(world, fake)
    await mail.senders.create({ name: 'office', host: '127.0.0.1', port: 9, tls: 'none', from: 'anna@example.org' }, tester)
    fake.answer = async () => {
      // The disk fills up while the provider answers.
      room = await fillDatabase(world.store.db)
      return { body: { access_token: 'at-2', expires_in: 3600, refresh_token: 'rt-2', padding: 'x'.repeat(200_000) } }
    }
    const renewal = world.credentials.refresh(id, tester)
    await until('the answer could not be kept yet', () => world.log.some((line) => line.includes('answer.not_kept_yet')))
    await assert.rejects(
      mail.outbox.accept({ ...letter, text: 'x'.repeat(100_000) }, tester),
      (error) => isProblem(error, 'storage_full') && error.nextStep.includes('Free some space'),
    )
    assert.equal((await world.credentials.get(id)).status, 'incomplete', 'nothing is judged before it is kept')
    await room()
    assert.equal((await renewal).status, 'ready')
    const token = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
    assert.equal(token.accessToken.reveal(), 'at-2')
    fake.answer = () => ({ body: { access_token: 'at-3', expires_in: 3600 } })
    await world.credentials.refresh(id, tester)
    assert.equal(fake.seen.at(-1)?.parameters.get('refresh_token'), 'rt-2')
    assert.equal((await world.context.audit.verify()).ok, true)
    assert.equal((await db.selectFrom('messages').selectAll().execute()).length, 0)
  } finally {
    await room()
    await mail.outbox.stop()
    await world.close()
    await fake.close()
    await place.remove()
  }
})

/** Lets the database grow no more; returns what makes room again. */
async function fillDatabase(db: World['store']['db']): Promise<() => Promise<void>> {
  await db.transaction().execute(async (trx) => {
    await sql`pragma max_page_count = 1`.execute(trx)
  })
  return async () => {
    await db.transaction().execute(async (trx) => {
      await sql`pragma max_page_count = 1073741823`.execute(trx)
    })
  }
}
