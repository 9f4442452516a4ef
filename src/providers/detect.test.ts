import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openCatalogue } from './catalogue.ts'
import { detectProviders, domainOf } from './detect.ts'
import { searchSummaries } from './provider-summary.ts'

const all = openCatalogue([join(import.meta.dirname, '..', '..', 'providers')]).summaries()
const ids = (domain: string, exchangers?: string[]) => detectProviders(all, domain, exchangers).map(({ summary }) => summary.id)

test('the domain of an address is its part behind the last at sign', () => {
  assert.equal(domainOf('Anna@Contoso.COM '), 'contoso.com')
  assert.equal(domainOf('"a@b"@example.org.'), 'example.org')
  assert.equal(domainOf('anna@Exämple.de'), 'xn--exmple-cua.de')
  for (const wrong of [
    '',
    'anna',
    '@example.org',
    'anna@',
    'anna@localhost',
    'anna@exa mple.org',
    'anna@-x.org',
    'anna@example.org/..',
    `anna@${'a.'.repeat(200)}org`,
    'a@1.2.3.4',
  ]) {
    assert.equal(domainOf(wrong), null, wrong)
  }
})

describe('a provider is proposed', () => {
  test('by a domain of its own', () => {
    assert.deepEqual(ids('gmail.com'), ['google'])
    assert.deepEqual(ids('outlook.com'), ['microsoft-personal'])
    assert.deepEqual(ids('yahoo.com'), ['yahoo'])
    assert.deepEqual(ids('fastmail.com'), ['fastmail'])
    assert.deepEqual(ids('contoso.com'), [])
    assert.deepEqual(ids('contoso.onmicrosoft.com'), ['microsoft'])
    assert.deepEqual(ids('onmicrosoft.com'), [])
    assert.deepEqual(ids('evilonmicrosoft.com'), [])
  })
  test('by the servers that take the mail of the domain', () => {
    assert.deepEqual(ids('contoso.com', ['contoso-com.mail.protection.outlook.com.']), ['microsoft'])
    assert.deepEqual(ids('example.org', ['ASPMX.L.GOOGLE.COM']), ['google'])
    assert.deepEqual(ids('example.org', ['mx.example.org']), [])
  })
  test('and not by a name that only ends alike', () => {
    assert.deepEqual(ids('example.org', ['evilgoogle.com']), [])
    assert.deepEqual(ids('evilgmail.com'), [])
  })
})

test('a domain belongs to one provider only', () => {
  const owners = new Map<string, string>()
  for (const { id, domains } of all) {
    for (const domain of domains) {
      assert.equal(owners.get(domain), undefined, `${domain} belongs to ${id} and ${owners.get(domain)}`)
      owners.set(domain, id)
    }
  }
})

test('a search finds what has every word in it, in any order and in any case', () => {
  const found = (search: string) => searchSummaries(all, search).map(({ id }) => id)
  assert.ok(found('GMAIL').includes('google'))
  assert.deepEqual(found('china microsoft'), ['microsoft-21vianet'])
  assert.deepEqual(found('no such thing'), [])
  assert.equal(found('  ').length, all.length)
})
