import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { isProblem, type Problem } from '../base/problem.ts'
import { providerRequests, providerScopes } from '../../test/provider-requests.ts'
import { makeIndex, openCatalogue, parseProvider } from './catalogue.ts'
import { resolveProvider } from './provider-resolve.ts'
import { providerSchema, type ProviderInput } from './provider-schema.ts'
import { summaryOf } from './provider-summary.ts'

const shipped = fileURLToPath(new URL('../../providers', import.meta.url))
const folders: string[] = []
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** Makes a folder of files; objects are written as JSON. */
function folderOf(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-catalogue-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return folder
}

const minimal = (id: string, change: Partial<ProviderInput> = {}): ProviderInput => ({
  id,
  version: 1,
  name: id,
  token_endpoint: 'https://as.example/token',
  grants: ['client_credentials'],
  client_auth: ['client_secret_post'],
  ...change,
})

function problemOf(run: () => unknown): Problem {
  let problem: unknown
  assert.throws(run, (error) => {
    problem = error
    return isProblem(error, 'provider_invalid')
  })
  return problem as Problem
}

describe('the catalogue that comes with the program', () => {
  const catalogue = openCatalogue([shipped])
  const ids = readdirSync(shipped)
    .filter((file) => file.endsWith('.json') && file !== 'schema.json' && file !== 'index.json')
    .map((file) => file.slice(0, -5))

  test('holds every file, by name', () => {
    assert.deepEqual(
      catalogue
        .list()
        .map((provider) => provider.id)
        .sort(),
      ids.sort(),
    )
    const names = catalogue.list().map((provider) => provider.name)
    assert.deepEqual(
      names,
      [...names].sort((a, b) => a.localeCompare(b)),
    )
    for (const id of ['google', 'microsoft', 'generic']) assert.equal(catalogue.get(id)?.id, id)
    assert.equal(catalogue.get('no-such-provider'), undefined)
    assert.equal(catalogue.get('../package'), undefined)
    assert.equal(catalogue.get('schema'), undefined)
  })

  test('describes every placeholder with an example that works', () => {
    for (const provider of catalogue.list()) {
      const examples = Object.fromEntries(Object.entries(provider.placeholders).map(([name, rule]) => [name, rule.example]))
      const resolved = resolveProvider(provider, examples)
      for (const [field, value] of Object.entries(resolved)) {
        // The issuer may keep a slot that the provider's answers fill.
        if (typeof value === 'string' && field !== 'issuer') assert.doesNotMatch(value, /[{}]/, `${provider.id} ${field}`)
      }
    }
  })

  test('O11: has no grant that takes a password or hands out tokens through the browser', () => {
    for (const provider of catalogue.list()) {
      for (const [call, parameters] of Object.entries(provider.parameters)) {
        for (const name of ['response_type', 'grant_type', 'username', 'password']) {
          // Salesforce names the answer of its device address; no token comes of it.
          if (call === 'device' && name === 'response_type') assert.ok([undefined, 'device_code'].includes(parameters[name]), provider.id)
          else assert.equal(name in parameters, false, `${provider.id} ${name}`)
        }
      }
      for (const name of Object.values(provider.grant_types)) assert.doesNotMatch(name ?? '', /password|implicit|^token$/, provider.id)
    }
  })

  test('names for every mail server a scope that the provider offers, and a host that its tokens may go to', () => {
    for (const provider of catalogue.list()) {
      for (const server of [...(provider.mail?.smtp ?? []), ...(provider.mail?.imap ?? []), ...(provider.mail?.pop ?? [])]) {
        assert.ok((server.scopes?.length ?? 0) > 0, `${provider.id} ${server.host}`)
        assert.ok(server.mechanisms.length > 0)
      }
    }
  })

  test('names for every mail API scopes, and a host that its tokens may go to', () => {
    const apis = catalogue.list().flatMap((provider) => provider.mail_apis.map((api) => ({ provider, api })))
    assert.deepEqual(apis.map(({ provider, api }) => `${provider.id} ${api.host}`).toSorted(), [
      'google gmail.googleapis.com',
      'microsoft graph.microsoft.com',
      'microsoft-21vianet microsoftgraph.chinacloudapi.cn',
      'microsoft-dod dod-graph.microsoft.us',
      'microsoft-gcc-high graph.microsoft.us',
      'microsoft-personal graph.microsoft.com',
    ])
    for (const { provider, api } of apis)
      assert.ok(
        provider.hosts.some((host) => host === api.host || (host.startsWith('*.') && api.host.endsWith(host.slice(1)))),
        provider.id,
      )
  })

  test('holds no secret of anybody', () => {
    for (const id of ids)
      assert.doesNotMatch(readFileSync(join(shipped, `${id}.json`), 'utf8'), /GOCSPX-|client_secret"\s*:\s*"(?!clientSecret"|secret")[^"]|-----BEGIN/, id)
  })

  test('Google asks for offline access, and Microsoft for the tenant', () => {
    const google = resolveProvider(catalogue.get('google')!, {})
    assert.equal(google.data.parameters.authorize.access_type, 'offline')
    assert.equal(google.data.parameters.authorize.prompt, 'consent')
    const microsoft = catalogue.get('microsoft')!
    assert.equal(
      resolveProvider(microsoft, { tenant: 'contoso.onmicrosoft.com' }).tokenEndpoint,
      'https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token',
    )
    assert.ok(microsoft.default_scopes.includes('offline_access'))
    assert.ok(microsoft.scope_sets.some((set) => set.grants?.includes('client_credentials') && set.scopes.every((scope) => scope.endsWith('/.default'))))
  })
})

test('the schema beside the files is the one of the code', () => {
  const { $comment: _, ...written } = JSON.parse(readFileSync(join(shipped, 'schema.json'), 'utf8')) as Record<string, unknown>
  assert.deepEqual(written, JSON.parse(JSON.stringify(z.toJSONSchema(providerSchema, { io: 'input' }))), 'run "npm run generate"')
})

test('a later folder replaces a provider of an earlier one', () => {
  const catalogue = openCatalogue([
    folderOf({ 'a.json': minimal('a'), 'b.json': minimal('b') }),
    folderOf({ 'a.json': minimal('a', { name: 'Mine', version: 2 }) }),
  ])
  assert.equal(catalogue.get('a')?.name, 'Mine')
  assert.deepEqual(
    catalogue.list().map((provider) => provider.id),
    ['b', 'a'],
  )
})

describe('an error is named by its file and its place', () => {
  const cases: Record<string, [content: unknown, says: RegExp]> = {
    'not JSON': ['{"id":', /x\.json is not JSON/],
    'another id': [minimal('y'), /x\.json.*id is "y"/],
    'an unknown field': [{ ...minimal('x'), tokenEndpoint: 'https://x' }, /x\.json.*tokenEndpoint/],
    'plain http': [minimal('x', { token_endpoint: 'http://as.example/token' }), /x\.json.*token_endpoint/],
    'a grant without its address': [minimal('x', { grants: ['authorization_code'] }), /x\.json.*authorization_endpoint/],
    'the device grant without its address': [minimal('x', { grants: ['device_code'] }), /x\.json.*device_authorization_endpoint/],
    'a placeholder that is not described': [minimal('x', { token_endpoint: 'https://as.example/{tenant}' }), /x\.json.*token_endpoint.*\{tenant\}/],
    'a broken pattern': [minimal('x', { placeholders: { t: { title: 't', meaning: 't', example: 't', pattern: '(' } } }), /x\.json.*placeholders\.t\.pattern/],
    'a free text at the end of a host': [
      minimal('x', { token_endpoint: 'https://login.{region}/token', placeholders: { region: { title: 'r', meaning: 'r', example: 'eu' } } }),
      /x\.json.*token_endpoint.*list of values/,
    ],
    'a free text at the end of a host of something looked up': [
      minimal('x', { lookups: [{ url: 'https://{who}/me', keep: {} }], placeholders: { who: { title: 'r', meaning: 'r', example: 'eu' } } }),
      /x\.json.*lookups\.0\.url/,
    ],
    'a pattern that matches slowly': [
      minimal('x', { placeholders: { t: { title: 't', meaning: 't', example: 't', pattern: '(a+)+' } } }),
      /x\.json.*placeholders\.t\.pattern.*for ever/,
    ],
    'a client secret in an address': [minimal('x', { token_request: { format: 'query' } }), /x\.json.*token_request.*secret/],
    'a client secret in the address of a renewal': [minimal('x', { refresh_request: { method: 'GET' } }), /x\.json.*refresh_request.*secret/],
    'a default that is not among the values': [
      minimal('x', { placeholders: { t: { title: 't', meaning: 't', example: 'a', values: ['a'], default: 'b' } } }),
      /x\.json.*placeholders\.t\.default/,
    ],
    'a placeholder with the name of something else': [
      minimal('x', { placeholders: { client_id: { title: 't', meaning: 't', example: 'a' } } }),
      /x\.json.*placeholders\.client_id/,
    ],
    'the password grant under its own name': [minimal('x', { grant_types: { client_credentials: 'password' } }), /x\.json.*grant_types\.client_credentials/],
    'an unknown grant': [{ ...minimal('x'), grants: ['password'] }, /x\.json.*grants/],
    'no grant': [minimal('x', { grants: [] }), /x\.json.*grants/],
    'a list': ['[]', /x\.json/],
  }
  for (const [title, [content, says]] of Object.entries(cases)) {
    test(title, () => {
      const catalogue = openCatalogue([folderOf({ 'x.json': content, 'good.json': minimal('good') })])
      assert.equal(catalogue.problems.length, 1)
      assert.match(catalogue.problems[0]!.problem.message, says)
      assert.equal(catalogue.get('x'), undefined)
      assert.equal(catalogue.get('good')?.id, 'good', 'the others go on')
    })
  }
})

test('a description that was stored is checked again', () => {
  assert.match(problemOf(() => parseProvider({ id: 'x' }, 'the provider of "mail"')).message, /the provider of "mail"/)
  const stored: unknown = JSON.parse(JSON.stringify(parseProvider(minimal('x'), 'x')))
  assert.deepEqual(parseProvider(stored, 'x'), stored)
})

test('250 providers do not slow the start', () => {
  const google = JSON.parse(readFileSync(join(shipped, 'google.json'), 'utf8')) as ProviderInput
  const folder = folderOf(Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}.json`, { ...google, id: `p${i}` }])))
  writeFileSync(join(folder, 'index.json'), makeIndex(folder))
  const before = process.hrtime.bigint()
  const catalogue = openCatalogue([folder])
  catalogue.get('p7')
  const opened = Number(process.hrtime.bigint() - before) / 1e6
  assert.equal(catalogue.summaries().length, 250)
  assert.equal(catalogue.list().length, 250)
  assert.ok(opened < 200, `opening took ${opened} ms`)
})

describe('the index', () => {
  test('beside the files is made from them', () => {
    assert.equal(readFileSync(join(shipped, 'index.json'), 'utf8'), makeIndex(shipped), 'run "npm run generate"')
  })
  test('says the same as the files', () => {
    const catalogue = openCatalogue([shipped])
    assert.deepEqual(catalogue.problems, [])
    for (const { digest: _, ...summary } of catalogue.summaries() as (ReturnType<typeof summaryOf> & { digest?: string })[]) {
      assert.deepEqual(summary, summaryOf(catalogue.get(summary.id)!))
    }
  })
  test('spares no file that was changed after it was made', () => {
    const folder = folderOf({ 'a.json': minimal('a'), 'b.json': minimal('b') })
    writeFileSync(join(folder, 'index.json'), makeIndex(folder))
    writeFileSync(join(folder, 'a.json'), JSON.stringify(minimal('a', { name: 'Other' })))
    writeFileSync(join(folder, 'b.json'), JSON.stringify({ ...minimal('b'), tokenEndpoint: 'x' }))
    const catalogue = openCatalogue([folder])
    assert.deepEqual(
      catalogue.summaries().map(({ name }) => name),
      ['Other'],
    )
    assert.match(catalogue.problems[0]!.problem.message, /b\.json/)
  })
  test('names the file that it cannot be made from', () => {
    const folder = folderOf({ 'a.json': minimal('a'), 'b.json': '{', 'c.json': { ...minimal('c'), grants: ['password'] } })
    assert.match(problemOf(() => makeIndex(folder)).message, /b\.json is not JSON[^]*c\.json: grants\.0 /)
  })
  test('that is broken makes every file be checked', () => {
    const catalogue = openCatalogue([folderOf({ 'a.json': minimal('a'), 'index.json': '[{]' })])
    assert.equal(catalogue.get('a')?.id, 'a')
  })
})

test('a folder that is not there is named, with the setting', () => {
  assert.throws(
    () => openCatalogue(['/no/such/folder']),
    (error) =>
      isProblem(error, 'settings_invalid') && /\/no\/such\/folder cannot be read \(ENOENT\)/.test(error.message) && /KEYBEARER_PROVIDERS/.test(error.nextStep),
  )
})

test('every provider is named by several sources, or somebody wrote it by hand', () => {
  const catalogue = openCatalogue([shipped])
  assert.ok(catalogue.summaries().length >= 220, String(catalogue.summaries().length))
  for (const provider of catalogue.list()) {
    const byHand = provider.scope_sets.length > 0 || provider.id === 'generic' || provider.notes !== undefined
    assert.ok((provider.sources ?? 0) >= 2 || byHand, provider.id)
  }
})

test('a consent address and a token request of every provider are those that somebody looked at', async () => {
  const golden = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'test', 'provider-requests.json'), 'utf8')) as Record<string, unknown>
  const made = await providerRequests()
  assert.deepEqual(Object.keys(made).sort(), Object.keys(golden).sort())
  for (const [id, requests] of Object.entries(made)) assert.deepEqual(requests, golden[id], `${id}: if the change is meant, see test/provider-requests.ts`)
})

test('O4: PKCE is left out only where somebody looked at it', () => {
  const without = openCatalogue([shipped])
    .list()
    .filter(({ pkce }) => pkce === 'refused')
    .map(({ id }) => id)
  assert.ok(without.length < 40)
  const golden = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'test', 'provider-requests.json'), 'utf8')) as Record<
    string,
    { authorize?: string }
  >
  for (const [id, { authorize }] of Object.entries(golden)) {
    if (authorize !== undefined) assert.equal(authorize.includes('code_challenge=RANDOM&code_challenge_method=S256'), !without.includes(id), id)
  }
})

test('N4: a description cannot say whose request it is or which host it is for', () => {
  const description = { id: 'x', version: 1, name: 'X', token_endpoint: 'https://as.example/token', grants: ['client_credentials'], client_auth: ['none'] }
  for (const name of [
    'Host',
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Content-Length',
    'Transfer-Encoding',
    'X-Forwarded-Host',
    'a b',
    'x:y',
    'a\r\nHost',
  ]) {
    for (const change of [{ token_request: { headers: { [name]: 'v' } } }, { test_request: { url: 'https://as.example/me', headers: { [name]: 'v' } } }])
      assert.throws(
        () => parseProvider({ ...description, ...change }, 'the test'),
        (error) => isProblem(error, 'provider_invalid'),
        name,
      )
  }
  assert.throws(() => parseProvider({ ...description, token_request: { headers: { accept: 'a\r\nHost: evil.example' } } }, 'the test'))
  assert.equal(
    parseProvider({ ...description, token_request: { headers: { 'Notion-Version': '2022-06-28' } } }, 'the test').token_request.headers['Notion-Version'],
    '2022-06-28',
  )
  for (const name of ['__proto__', 'constructor', 'tostring'])
    assert.throws(
      () => parseProvider({ ...description, token_endpoint: `https://as.example/{${name}}` }, 'the test'),
      (error) => isProblem(error, 'provider_invalid'),
      name,
    )
})

test('O13: the scopes that each provider is asked for are those that somebody looked at', () => {
  const file = join(import.meta.dirname, '..', '..', 'test', 'provider-scopes.json')
  const expected = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string[]>>
  const found = providerScopes()
  assert.deepEqual(found, expected, 'scopes decide what a stolen token can do: if the change is meant, write it into test/provider-scopes.json')
})
