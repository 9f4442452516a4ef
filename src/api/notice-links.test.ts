import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { tester } from '../../test/world.ts'
import { Secret } from '../base/secret.ts'
import { noticeEvents } from '../base/notice-events.ts'
import { auditNotice, backupNotice, credentialNotice, endNotice, keyNotice, messageNotice, webhookNotice, type Notice } from '../mail/notice.ts'
import { writePayload } from '../mail/notice-payload.ts'
import { writeNotice } from '../mail/notice-text.ts'
import { readPageFiles } from './page-files.ts'
import { findCredential } from '../storage/credentials.ts'
import type { Tables } from '../storage/tables.ts'

const publicUrl = 'https://keys.example.org'
const watched: (keyof Tables)[] = ['credentials', 'consents', 'messages', 'sessions', 'persons', 'access_keys', 'webhooks', 'jobs', 'facts', 'events', 'audit']

describe('the links of notices', () => {
  let api: ApiWorld
  let notices: Notice[] = []
  before(async () => {
    api = await openApiWorld({ page: readPageFiles(join(import.meta.dirname, '..', '..', 'ui', 'dist')) })
    const { db } = api.world.context
    const { id } = await api.world.credentials.create({ name: 'work mail', kind: 'api_key', secret: new Secret('CANARY-key') }, tester)
    const row = (await findCredential(db, id))!
    const subject = { kind: 'credential' as const, id, name: 'work mail' }
    const end = { at: Date.now() + 86_400_000, since: null, credentials: [], message: 'It ends.', nextStep: 'Act.' }
    const facts = {
      id: 'msg_01kcw3x8000000000000000000',
      sender_id: 'snd_1',
      status: 'failed',
      recipients: '[]',
      problem: null,
      created_by: 'key_1',
      created_at: 0,
    }
    notices = [
      credentialNotice('credential.broken', row, null, null),
      credentialNotice('credential.expiring', row, null, null),
      credentialNotice('credential.recovered', row, null, null),
      messageNotice(facts, 'office'),
      keyNotice('key_1', 'job', 'address', '198.51.100.7'),
      webhookNotice('whk_1', 'pager', 'It answered 500.'),
      auditNotice(0, null),
      backupNotice(null),
      endNotice({ ...end, kind: 'idle', subject }),
      endNotice({ ...end, kind: 'access_key', subject: { kind: 'access_key', id: 'key_1', name: 'job' } }),
    ]
    assert.deepEqual([...new Set(notices.map((one) => one.event))].sort(), [...noticeEvents].sort(), 'every kind of notice is here')
  })
  after(() => api.close())

  it('P9: lead to pages, and whoever opens them without a session learns and changes nothing', async () => {
    const { text } = writeNotice({ notices, reminders: notices, moreMessages: 3 }, publicUrl)
    const payloads = noticeEvents.map((event) =>
      writePayload(
        event,
        notices.filter((one) => one.event === event),
        0,
        publicUrl,
      ),
    )
    const links = new Set(`${text} ${payloads.join(' ')}`.match(/\w+:\/\/[^\s"]+/g))
    assert.ok(links.size >= 6, 'one of every page')
    const { db } = api.world.context
    const dump = async () => JSON.stringify(await Promise.all(watched.map(async (table) => await db.selectFrom(table).selectAll().execute())))
    const before = await dump()
    for (const link of links) {
      assert.ok(link.startsWith(`${publicUrl}/`), link)
      const { status, headers, text: answer } = await api.ask('GET', link.slice(publicUrl.length), { key: null })
      assert.ok(status === 200 || status === 404, `${link}: ${status}`)
      assert.equal(headers['set-cookie'], undefined, link)
      assert.equal(headers.location, undefined, link)
      assert.doesNotMatch(answer, /CANARY|work mail/)
    }
    assert.equal(await dump(), before)
  })
})
