import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { administrations } from '../access/types.ts'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { databases } from '../../test/world.ts'

const day = 86_400_000
const inDays = (days: number) => Date.now() + days * day
type End = { kind: string; at: string; subject: { kind: string; name: string }; credentials: { name: string }[]; next_step: string }

for (const database of databases) {
  describe(`the calendar of ends on ${database}`, () => {
    let api: ApiWorld
    before(async () => {
      api = await openApiWorld({ database })
      const make = async (name: string, more: object, registration: object = {}) => {
        const { status, text } = await api.ask('POST', '/v1/credentials', {
          body: {
            name,
            grant: 'authorization_code',
            registration: { name: `${name} app`, provider: 'google', client_id: 'c', client_secret: 's', ...registration },
            refresh_token: `rt-${name}`,
            scopes: ['openid'],
            ...more,
          },
        })
        assert.equal(status, 201, text)
      }
      await make('endless', {})
      await make('secret', {}, { secret_expires_at: new Date(inDays(40)).toISOString() })
      await make('testing', {})
      await make(
        'fixed',
        {},
        { provider: 'generic', placeholders: { token_endpoint: 'https://as.example/token', authorization_endpoint: 'https://as.example/a' } },
      )
      await make(
        'sliding',
        {},
        { provider: 'generic', placeholders: { token_endpoint: 'https://as.example/token', authorization_endpoint: 'https://as.example/a' } },
      )
      await make('resting', {})
      const { db } = api.world.context
      const set = (name: string, change: object) => db.updateTable('credentials').set(change).where('name', '=', name).execute()
      await set('testing', { refresh_token_expires_at: inDays(6), token_obtained_at: inDays(-1) })
      await set('fixed', { refresh_token_expires_at: inDays(300), token_obtained_at: inDays(-1) })
      await set('sliding', { refresh_token_expires_at: inDays(30), refresh_token_slides: 1, refresh_due_at: inDays(1) })
      await set('resting', { token_obtained_at: inDays(-100) })
      assert.equal((await api.ask('POST', '/v1/credentials/resting/pause')).status, 200)
      const password = await api.ask('POST', '/v1/credentials', {
        body: { name: 'printer', kind: 'basic', username: 'scan@contoso.com', secret: 'p', allowed_hosts: ['smtp.office365.com'] },
      })
      assert.equal(password.status, 201, password.text)
    })
    after(() => api.close())

    const list = async (key?: string): Promise<End[]> => {
      const { status, json } = await api.ask('GET', '/v1/calendar', key === undefined ? {} : { key })
      assert.equal(status, 200)
      return json.items as End[]
    }

    it('O21: lists what ends with its date, the next first, and leaves out what renews itself', async () => {
      const ends = await list()
      const told = ends.filter((end) => end.kind !== 'access_key').map((end) => `${end.kind} ${end.subject.name}`)
      assert.deepEqual(
        told.filter((one) => !one.startsWith('idle') && !one.startsWith('password')),
        ['testing_consent testing', 'client_secret secret app', 'consent fixed'],
      )
      assert.ok(told.includes('password_login printer'))
      assert.ok(ends.every((end) => end.next_step.length > 10))
      assert.deepEqual(
        ends.map((end) => end.at),
        ends.map((end) => end.at).sort(),
      )
      assert.deepEqual(
        ends.find((end) => end.kind === 'client_secret')!.credentials.map((one) => one.name),
        ['secret'],
      )
      assert.ok(!told.some((one) => one.includes('endless') || one.includes('sliding')))
      assert.match(ends.find((end) => end.kind === 'testing_consent')!.next_step, /Publish app/)
    })

    it('shows a key with rights on one credential nothing of the others', async () => {
      const key = await api.makeKey({ permissions: [{ credential: (await api.world.credentials.get('fixed')).id, rights: ['read'] }] })
      assert.deepEqual(
        (await list(key)).map((end) => end.subject.name),
        ['fixed'],
      )
    })

    it('is a feed for calendar programs, with a key that can do nothing else and ends when it is revoked', async () => {
      const made = await api.ask('POST', '/v1/calendar/feeds', { body: { name: 'office calendar' } })
      assert.equal(made.status, 201, made.text)
      const { pathname } = new URL(made.json.address as string)
      const feed = await api.ask('GET', pathname, { key: null })
      assert.equal(feed.status, 200)
      assert.match(String(feed.headers['content-type']), /^text\/calendar/)
      assert.match(feed.text, /^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n/)
      assert.equal(feed.text.match(/BEGIN:VEVENT/g)?.length, (await list()).length)
      assert.ok(feed.text.split('\r\n').every((line) => Buffer.byteLength(line) <= 75))
      const key = /kb_\w+/.exec(pathname)![0]
      for (const path of ['/v1/credentials', '/v1/calendar', '/v1/audit', '/v1/access-keys', '/v1/status'])
        assert.equal((await api.ask('GET', path, { key })).status, 403, path)
      const { id } = made.json.access_key as { id: string }
      assert.equal((await api.ask('DELETE', `/v1/access-keys/${id}`)).status, 200)
      assert.equal((await api.ask('GET', pathname, { key: null })).status, 404)
    })

    it('takes no key that can do more for a feed: addresses stand where keys must not', async () => {
      const strong = await api.makeKey({ permissions: [{ credential: '*', rights: ['read'] }], administration: ['calendar'] })
      const more = administrations.filter((what) => what !== 'calendar').map((what) => api.makeKey({ permissions: [], administration: ['calendar', what] }))
      for (const key of [api.ownerKey, strong, ...(await Promise.all(more)), 'kb_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '..%2f..%2fetc'])
        assert.equal((await api.ask('GET', `/calendar/${key}.ics`, { key: null })).status, 404)
      const keeper = await api.makeKey({ permissions: [], administration: ['keys'] })
      assert.equal((await api.ask('POST', '/v1/calendar/feeds', { body: { name: 'more than own' }, key: keeper })).status, 403)
    })

    it('writes no name as anything but text', async () => {
      const name = 'evil\u2028\\n;BEGIN:VEVENT,SUMMARY'
      await api.world.context.db.updateTable('credentials').set({ name }).where('name', '=', 'fixed').execute()
      const made = await api.ask('POST', '/v1/calendar/feeds', { body: { name: 'second feed' } })
      const { text } = await api.ask('GET', new URL(made.json.address as string).pathname, { key: null })
      const unfolded = text.replaceAll('\r\n ', '')
      assert.ok(unfolded.includes('SUMMARY:Consent ends: evil \\\\n\\;BEGIN:VEVENT\\,SUMMARY\r\n'), unfolded)
      assert.equal(text.match(/^BEGIN:VEVENT/gm)?.length, text.match(/^END:VEVENT/gm)?.length)
    })
  })
}
