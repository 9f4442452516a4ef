import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credential, Provider, Registration } from '@keybearer/client'
import { compare, merged } from './conflict-fields.ts'
import { draftErrors } from './draft-errors.ts'
import { draftOf, emptyDraft, readLines, suggestName, withoutSecrets, type Draft } from './draft.ts'
import { removedSecret, toCredentialChange, toNewCredential, toRegistrationChange, type Stored } from './draft-send.ts'

const credential = (more: Partial<Credential> = {}) =>
  ({
    id: 'cred_1',
    name: 'work',
    kind: 'oauth2',
    grant: 'authorization_code',
    registration: { id: 'reg_1', name: 'app' },
    provider: { id: 'demo', name: 'Demo' },
    description: '',
    username: 'anna',
    scopes: ['openid'],
    options: {},
    allowed_hosts: ['api.example.org'],
    tags: [],
    has_secret: true,
    revision: 1,
    ...more,
  }) as Credential

const registration = {
  id: 'reg_1',
  name: 'app',
  placeholders: { tenant: 'one' },
  client_id: 'app-1',
  client_auth: 'client_secret_basic',
  has_client_secret: true,
  has_private_key: false,
  private_key_id: null,
  secret_expires_at: null,
  credentials: 1,
  revision: 1,
} as unknown as Registration

const stored: Stored = { credential: credential(), registration }
const seen = draftOf(stored.credential, stored.registration)
const edit = (change: Partial<Draft>): Draft => ({ ...seen, ...change })

test('what nobody touched is not sent', () => {
  assert.deepEqual(toCredentialChange(seen, stored), {})
  assert.deepEqual(toRegistrationChange(seen, stored), {})
  assert.equal(removedSecret(seen, stored), null)
})

test('only what differs is sent, and an empty user is none', () => {
  assert.deepEqual(toCredentialChange(edit({ description: 'x', username: '' }), stored), { description: 'x', username: null })
  assert.deepEqual(toRegistrationChange(edit({ clientSecret: ' new ' }), stored), { client_secret: 'new' })
  const other = edit({ registration: 'reg_2', clientId: 'ignored' })
  assert.deepEqual([toCredentialChange(other, stored), toRegistrationChange(other, stored)], [{ registration: 'reg_2' }, {}])
})

test('options that the page does not show survive a change of those that it shows', () => {
  const before: Stored = { ...stored, credential: credential({ options: { placeholders: { tenant: 'two' }, audience: 'a' } }) }
  const draft = { ...draftOf(before.credential, registration), audience: 'b' }
  assert.deepEqual(toCredentialChange(draft, before).options, { placeholders: { tenant: 'two' }, audience: 'b' })
})

test('N5: a change that removes a stored secret is announced, and one that brings the secret again is not', () => {
  assert.match(removedSecret(edit({ clientId: 'app-2' }), stored) ?? '', /another client/)
  assert.match(removedSecret(edit({ placeholders: { tenant: 'other' } }), stored) ?? '', /another client or address/)
  assert.match(removedSecret(edit({ registration: 'reg_2' }), stored) ?? '', /other registration/)
  assert.match(removedSecret(edit({ actFor: 'bert@example.org' }), stored) ?? '', /another mailbox/)
  assert.equal(removedSecret(edit({ scopes: ['a'], name: 'b' }), stored), null)
  const basic: Stored = { credential: credential({ kind: 'basic', grant: null, registration: null, provider: null }), registration: null }
  const draft = draftOf(basic.credential, null)
  assert.match(removedSecret({ ...draft, username: 'bert' }, basic) ?? '', /another user/)
  assert.match(removedSecret({ ...draft, hosts: ['api.example.org', 'evil.example.org'] }, basic) ?? '', /evil/)
  assert.equal(removedSecret({ ...draft, username: 'bert', secret: 'new' }, basic), null)
  assert.equal(removedSecret({ ...draft, hosts: [] }, basic), null)
})

test('a new credential carries the secret once and nothing that belongs to another way', () => {
  const provider = { id: 'p', grants: ['client_credentials'], variants: ['standard'], client_auth: ['client_secret_post'] } as unknown as Provider
  const draft: Draft = {
    ...emptyDraft,
    provider: 'p',
    flow: 'standard',
    name: 'n',
    clientId: ' id ',
    clientSecret: 's',
    privateKey: 'left over',
    scopes: ['a'],
  }
  assert.deepEqual(toNewCredential(draft, provider), {
    name: 'n',
    kind: 'oauth2',
    grant: 'client_credentials',
    scopes: ['a'],
    options: { variant: 'standard' },
    registration: { name: 'n', provider: 'p', client_id: 'id', client_auth: 'client_secret_post', client_secret: 's' },
  })
})

test('what is kept of a draft in memory holds no secret', () => {
  const draft = withoutSecrets({ ...emptyDraft, secret: 'geheim', clientSecret: 'geheim', privateKey: 'geheim', name: 'n' })
  assert.ok(!JSON.stringify(draft).includes('geheim'))
  assert.equal(draft.name, 'n')
})

test('two people: what both changed is shown to be chosen; what one changed is kept', () => {
  const now: Stored = { ...stored, credential: credential({ description: 'theirs', tags: ['x'], revision: 2 }) }
  const mine = edit({ description: 'mine', scopes: ['openid', 'mail'] })
  const found = compare(mine, stored, now)
  assert.deepEqual(
    found.conflicts.map((one) => [one.field, one.theirs, one.mine]),
    [['description', 'theirs', 'mine']],
  )
  assert.deepEqual(found.taken, ['Tags'])
  const kept = merged(mine, stored, now, new Set(['description']))
  assert.deepEqual([kept.description, kept.tags, kept.scopes], ['mine', ['x'], ['openid', 'mail']])
  const taken = merged(mine, stored, now, new Set())
  assert.deepEqual([taken.description, taken.tags, taken.scopes], ['theirs', ['x'], ['openid', 'mail']])
})

test('two people who made the same change have nothing to choose', () => {
  const now: Stored = { ...stored, credential: credential({ description: 'the same', revision: 2 }) }
  assert.deepEqual(compare(edit({ description: 'the same' }), stored, now), { conflicts: [], taken: [] })
})

test('the account that the service found out by itself is no conflict, unless somebody typed another', () => {
  const now: Stored = { ...stored, credential: credential({ username: 'anna@example.org', revision: 2 }) }
  assert.deepEqual(compare(seen, stored, now), { conflicts: [], taken: [] })
  assert.equal(compare(edit({ username: 'bert' }), stored, now).conflicts.length, 1)
})

test('the checks name the usual mistakes', () => {
  const provider = {
    id: 'microsoft',
    grants: ['client_credentials'],
    variants: ['microsoft_compatible'],
    client_auth: ['client_secret_post'],
    placeholders: { tenant: { title: 'Tenant', meaning: '', example: 'contoso.example', kind: 'part', default: 'common' } },
  } as unknown as Provider
  const draft: Draft = { ...emptyDraft, provider: 'microsoft', flow: 'microsoft', clientSecret: '11111111-2222-3333-4444-555555555555', name: 'a/b' }
  const errors = draftErrors(draft, { step: 'client', provider, stored: null })
  assert.deepEqual(Object.keys(errors).toSorted(), ['clientId', 'clientSecret', 'name', 'placeholders.tenant'])
  assert.match(errors.clientSecret!, /ID of the secret/)
  const scopes = draftErrors({ ...draft, scopes: ['User.Read'], tokenParameters: 'nonsense' }, { step: 'scopes', provider, stored: null })
  assert.match(scopes.scopes!, /\/\.default/)
  assert.ok('tokenParameters' in scopes)
})

test('lines of parameters are read with blanks around, and refused where they are none', () => {
  assert.deepEqual(readLines(' prompt = select_account \n\nx=a=b'), { prompt: 'select_account', x: 'a=b' })
  assert.equal(readLines('prompt'), null)
})

test('a name is suggested from provider and account', () => {
  assert.equal(suggestName({ ...emptyDraft, username: 'anna.b@example.org' }, { id: 'google' }), 'google-anna-b')
  assert.equal(suggestName({ ...emptyDraft, flow: 'standard' }, { id: 'generic' }), 'service')
  assert.equal(suggestName({ ...emptyDraft, kind: 'api_key', hosts: ['api.example.org'] }, null), 'example-key')
  assert.equal(suggestName(emptyDraft, null), 'credential')
})
