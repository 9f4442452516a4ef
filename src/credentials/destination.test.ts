import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { openCatalogue } from '../providers/catalogue.ts'
import { resolveProvider } from '../providers/provider-resolve.ts'
import { checkDestination, hostsNotFor, type Destination } from './destination.ts'

const catalogue = openCatalogue([join(import.meta.dirname, '..', '..', 'providers')])
const provider = (id: string) => resolveProvider(catalogue.get(id)!, {})

const may = (allowedHosts: string[], destination: Destination): boolean => {
  try {
    checkDestination({ name: 'x', allowedHosts, notFor: [] }, destination)
    return true
  } catch (error) {
    assert.ok(isProblem(error, 'destination_not_allowed'))
    return false
  }
}

test('N4: a host is allowed only as it stands in the list, or below a name that begins with *.', () => {
  const list = ['api.example.org', '*.mail.example.org', 'local.example:2525']
  for (const destination of [
    { host: 'api.example.org' },
    { host: 'API.example.org.' },
    { host: 'api.example.org', port: 465 },
    { host: 'a.mail.example.org' },
    { host: 'a.b.mail.example.org', port: 587 },
    { host: 'local.example', port: 2525 },
  ])
    assert.equal(may(list, destination), true, JSON.stringify(destination))
  for (const destination of [
    { host: 'example.org' },
    { host: 'xapi.example.org' },
    { host: 'api.example.org.evil.test' },
    { host: 'api.example.org:8443' },
    { host: 'mail.example.org' },
    { host: 'evilmail.example.org' },
    { host: 'local.example' },
    { host: 'local.example', port: 2526 },
    { host: '' },
    { host: 'api.example.org@evil.test' },
  ])
    assert.equal(may(list, destination), false, JSON.stringify(destination))
  assert.equal(may([], { host: 'api.example.org' }), false, 'an empty list allows nothing')
})

test('O30: a token for one service of a provider is not for its mail servers, and the other way round', () => {
  const hosts = (id: string, scopes: string[]) => hostsNotFor(provider(id), scopes).map((entry) => entry.host)
  const microsoft = ['smtp.office365.com', 'smtp-mail.outlook.com', 'outlook.office365.com']
  assert.deepEqual(hosts('microsoft', ['https://graph.microsoft.com/Mail.Send']), microsoft)
  assert.deepEqual(hosts('microsoft', ['https://graph.microsoft.com/.default']), microsoft)
  assert.deepEqual(hosts('microsoft', ['https://outlook.office365.com/.default']), [])
  assert.deepEqual(hosts('microsoft', ['offline_access', 'https://outlook.office.com/SMTP.Send']), ['outlook.office365.com'])
  assert.deepEqual(hosts('microsoft', ['smtp.send']), ['outlook.office365.com'], 'a granted scope may come without its resource')
  assert.deepEqual(hosts('google', ['https://www.googleapis.com/auth/gmail.send']).includes('smtp.gmail.com'), true)
  assert.deepEqual(hosts('google', ['openid', 'https://mail.google.com/']), [])
  assert.deepEqual(hosts('google', ['https://mail.google.com']), [])
  assert.deepEqual(hosts('google', []), [], 'nothing is known of a token without scopes')
})

test('the next step is a command that can be pasted, also for a name with blanks', () => {
  const reach = { name: 'night mail', allowedHosts: [], notFor: [] }
  assert.throws(
    () => checkDestination(reach, { host: 'files.example.org' }),
    (error) => isProblem(error) && error.nextStep.includes("keybearer edit 'night mail' --add-host files.example.org"),
  )
})
