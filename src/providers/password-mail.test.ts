import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCatalogue } from './catalogue.ts'
import { detectProviders } from './detect.ts'
import { passwordMailSchema, readPasswordMail } from './password-mail.ts'

const folder = join(import.meta.dirname, '..', '..', 'providers')
const file = join(folder, 'mail-servers', 'passwords.json')
const { services } = passwordMailSchema.parse(JSON.parse(readFileSync(file, 'utf8')))

test('mail services that take passwords only are found by their domains, and nothing else is', () => {
  const find = readPasswordMail(file)
  assert.deepEqual(find('gmx.de'), {
    id: 'gmx-net',
    name: 'GMX',
    domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch'],
    host: 'mail.gmx.net',
    port: 465,
    tls: 'implicit',
    login: 'address',
    password: 'account',
  })
  assert.deepEqual([find('me.com')?.host, find('icloud.com')?.password], ['smtp.mail.me.com', 'app'])
  for (const other of ['gmail.com', 'example.org', 'mygmx.de', 'constructor', '']) assert.equal(find(other), null, other)
})

test('no domain is told to take passwords that belongs to a provider with OAuth 2.0, and none twice', () => {
  const all = openCatalogue([folder]).summaries()
  const domains = services.flatMap((one) => one.domains)
  assert.ok(domains.length > 30)
  assert.equal(new Set(domains).size, domains.length)
  assert.equal(new Set(services.map((one) => one.id)).size, services.length)
  assert.deepEqual(
    domains.filter((domain) => detectProviders(all, domain).length > 0),
    [],
  )
})

test('each port fits the way in which its connection is encrypted', () => {
  for (const { id, port, tls } of services) assert.equal(tls, port === 465 ? 'implicit' : 'starttls', id)
})
