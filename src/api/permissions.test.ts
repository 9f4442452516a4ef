import assert from 'node:assert/strict'
import { StatementSync, type SQLInputValue } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { Secret } from '../base/secret.ts'
import { openApiWorld, signInAs, type ApiWorld, type Ask, type Reply } from '../../test/api-world.ts'
import { tester } from '../../test/world.ts'
import { contract, type EndpointId } from './contract.ts'
import type { Endpoint } from './endpoint.ts'

// Who may call what. `in`: let in; `401`, `403`: refused; `404`: what is asked for does not exist for this key.
// The last three are signed-in persons; all others access keys.
const roles = ['nobody', 'reader', 'job', 'other job', 'mailer', 'manager', 'keeper', 'auditor', 'administrator', 'managing person', 'viewer'] as const
type Role = (typeof roles)[number]
const matrix: Record<EndpointId, string> = {
  listCredentials: '401 in  403 403 403 in  403 403 in  in  in',
  createCredential: '401 403 403 403 403 in  403 403 in  in  403',
  getCredential: '401 in  403 404 403 in  404 404 in  in  in',
  changeCredential: '401 403 403 403 403 in  403 403 in  in  403',
  deleteCredential: '401 403 403 403 403 in  403 403 in  in  403',
  handOutToken: '401 403 in  404 403 403 404 404 403 403 403',
  testCredential: '401 403 403 403 403 in  403 403 in  in  403',
  examineCredential: '401 403 403 403 403 in  403 403 in  in  403',
  refreshCredential: '401 403 403 403 403 in  403 403 in  in  403',
  revokeCredential: '401 403 403 403 403 in  403 403 in  in  403',
  pauseCredential: '401 403 403 403 403 in  403 403 in  in  403',
  resumeCredential: '401 403 403 403 403 in  403 403 in  in  403',
  listCredentialUsage: '401 in  403 404 403 in  404 404 in  in  in',
  countCredentials: '401 in  403 403 403 in  403 403 in  in  in',
  listCredentialHistory: '401 in  403 404 403 in  404 404 in  in  in',
  listCredentialUsageDays: '401 in  403 404 403 in  404 404 in  in  in',
  listDeletedCredentials: '401 403 403 403 403 in  403 403 in  in  403',
  restoreCredential: '401 403 403 403 403 in  403 403 in  in  403',
  purgeCredential: '401 403 403 403 403 403 403 403 in  403 403',
  beginEmergencyStop: '401 403 403 403 403 in  403 403 in  in  403',
  listEmergencyStops: '401 403 403 403 403 in  403 403 in  in  403',
  getEmergencyStop: '401 403 403 403 403 in  403 403 in  in  403',
  listStoppedCredentials: '401 403 403 403 403 in  403 403 in  in  403',
  undoEmergencyStop: '401 403 403 403 403 in  403 403 in  in  403',
  exportCredentials: '401 403 403 403 403 in  403 403 in  in  403',
  importCredentials: '401 403 403 403 403 in  403 403 in  in  403',
  startConsent: '401 403 403 403 403 in  403 403 in  in  403',
  getConsent: '401 403 403 403 403 in  403 403 in  in  403',
  listConsents: '401 403 403 403 403 in  403 403 in  in  403',
  withdrawConsent: '401 403 403 403 403 in  403 403 in  in  403',
  answerConsent: '401 403 403 403 403 in  403 403 in  in  403',
  listRegistrations: '401 403 403 403 403 in  403 403 in  in  403',
  createRegistration: '401 403 403 403 403 in  403 403 in  in  403',
  getRegistration: '401 403 403 403 403 in  403 403 in  in  403',
  changeRegistration: '401 403 403 403 403 in  403 403 in  in  403',
  getProviderUpdate: '401 403 403 403 403 in  403 403 in  in  403',
  acceptProviderUpdate: '401 403 403 403 403 in  403 403 in  in  403',
  deleteRegistration: '401 403 403 403 403 in  403 403 in  in  403',
  listProviders: '401 in  in  in  in  in  in  in in  in  in',
  listPopularConfigurations: '401 403 403 403 403 in  403 403 in  in  403',
  detectProvider: '401 in  in  in  in  in  in  in in  in  in',
  createProvider: '401 403 403 403 403 in  403 403 in  in  403',
  getProvider: '401 in  in  in  in  in  in  in in  in  in',
  replaceProvider: '401 403 403 403 403 in  403 403 in  in  403',
  deleteProvider: '401 403 403 403 403 in  403 403 in  in  403',
  discoverProvider: '401 403 403 403 403 in  403 403 in  in  403',
  listAccessKeys: '401 403 403 403 403 403 in  403 in  403 403',
  createAccessKey: '401 403 403 403 403 403 in  403 in  403 403',
  getAccessKey: '401 403 403 403 403 403 in  403 in  403 403',
  resumeAccessKey: '401 403 403 403 403 403 in  403 in  403 403',
  revokeAccessKey: '401 403 403 403 403 403 in  403 in  403 403',
  listSenders: '401 403 403 403 in  in  403 403 in  in  403',
  createSender: '401 403 403 403 403 in  403 403 in  in  403',
  getSender: '401 403 403 403 in  in  403 403 in  in  403',
  changeSender: '401 403 403 403 403 in  403 403 in  in  403',
  deleteSender: '401 403 403 403 403 in  403 403 in  in  403',
  testSender: '401 403 403 403 403 in  403 403 in  in  403',
  sendMessage: '401 403 403 403 in  in  403 403 in  in  403',
  sendRawMessage: '401 403 403 403 in  in  403 403 in  in  403',
  listMessages: '401 403 403 403 in  in  403 403 in  in  403',
  getMessage: '401 403 403 403 in  in  403 403 in  in  403',
  retryMessage: '401 403 403 403 in  in  403 403 in  in  403',
  resendMessage: '401 403 403 403 in  in  403 403 in  in  403',
  cancelMessage: '401 403 403 403 in  in  403 403 in  in  403',
  getMailOptions: '401 403 403 403 403 in  403 403 in  in  403',
  setMailOptions: '401 403 403 403 403 in  403 403 in  in  403',
  listWebhooks: '401 403 403 403 403 in  403 403 in  in  403',
  createWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  getWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  changeWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  deleteWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  testWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  renewWebhookSecret: '401 403 403 403 403 in  403 403 in  in  403',
  snoozeCredential: '401 403 403 403 403 in  403 403 in  in  403',
  sendRequest: '401 403 403 403 403 in  403 403 in  in  403',
  listActions: '401 403 403 403 403 in  403 403 in  in  403',
  createAction: '401 403 403 403 403 in  403 403 in  in  403',
  getAction: '401 403 403 403 403 in  403 403 in  in  403',
  changeAction: '401 403 403 403 403 in  403 403 in  in  403',
  deleteAction: '401 403 403 403 403 in  403 403 in  in  403',
  runAction: '401 403 403 403 403 in  403 403 in  in  403',
  previewAction: '401 403 403 403 403 in  403 403 in  in  403',
  listActionRuns: '401 403 403 403 403 in  403 403 in  in  403',
  getActionRun: '401 403 403 403 403 in  403 403 in  in  403',
  setActionSchedule: '401 403 403 403 403 in  403 403 in  in  403',
  removeActionSchedule: '401 403 403 403 403 in  403 403 in  in  403',
  previewSchedule: '401 403 403 403 403 in  403 403 in  in  403',
  makeActionWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  removeActionWebhook: '401 403 403 403 403 in  403 403 in  in  403',
  receiveWebhook: 'in  in  in  in  in  in  in  in in  in  in',
  listAudit: '401 403 403 403 403 403 403 in in  403 403',
  findTokenInAudit: '401 403 403 403 403 403 403 in in  403 403',
  exportAudit: '401 403 403 403 403 403 403 in in  403 403',
  verifyAudit: '401 403 403 403 403 403 403 in in  403 403',
  listEnds: '401 in  403 403 403 in  403 403 in  in  in',
  createCalendarFeed: '401 403 403 403 403 403 in  403 in  403 403',
  readCalendarFeed: 'in  in  in  in  in  in  in  in in  in  in',
  explainFailure: '401 in  in  in  in  in  in  in in  in  in',
  streamEvents: '401 in  403 403 403 in  403 403 in  in  in',
  getStatus: '401 in  403 403 403 in  403 403 in  in  in',
  getSettings: '401 403 403 403 403 in  403 403 in  in  403',
  runDoctor: '401 403 403 403 403 in  403 403 in  in  403',
  makeBackup: '401 403 403 403 403 in  403 403 in  in  403',
  startRotation: '401 403 403 403 403 in  403 403 in  in  403',
  getRotation: '401 403 403 403 403 in  403 403 in  in  403',
  lockService: '401 403 403 403 403 in  403 403 in  in  403',
  unlockService: '401 403 403 403 403 in  403 403 in  in  403',
  getLiveness: 'in  in  in  in  in  in  in  in in  in  in',
  getReadiness: 'in  in  in  in  in  in  in  in in  in  in',
  getMetrics: 'in  in  in  in  in  in  in  in in  in  in',
  getOpenApi: 'in  in  in  in  in  in  in  in in  in  in',
  getHome: 'in  in  in  in  in  in  in  in in  in  in',
  finishConsent: 'in  in  in  in  in  in  in  in in  in  in',
  beginConsent: 'in  in  in  in  in  in  in  in in  in  in',
  showConnectLink: 'in  in  in  in  in  in  in  in in  in  in',
  followConnectLink: 'in  in  in  in  in  in  in  in in  in  in',
  showDelivery: 'in  in  in  in  in  in  in  in in  in  in',
  openDelivery: 'in  in  in  in  in  in  in  in in  in  in',
  showConsentResult: 'in  in  in  in  in  in  in  in in  in  in',
  listPersons: '401 403 403 403 403 403 403 403 in  403 403',
  invitePerson: '401 403 403 403 403 403 403 403 in  403 403',
  changePerson: '401 403 403 403 403 403 403 403 in  403 403',
  deletePerson: '401 403 403 403 403 403 403 403 in  403 403',
  renewInvitation: '401 403 403 403 403 403 403 403 in  403 403',
  signOut: '401 403 403 403 403 403 403 403 in  in  in',
  confirmSignIn: '401 403 403 403 403 403 403 403 in  in  in',
  changePassword: '401 403 403 403 403 403 403 403 in  in  in',
  listSessions: '401 403 403 403 403 403 403 403 in  in  in',
  endSession: '401 403 403 403 403 403 403 403 in  in  in',
  listPasskeys: '401 403 403 403 403 403 403 403 in  in  in',
  startPasskey: '401 403 403 403 403 403 403 403 in  in  in',
  addPasskey: '401 403 403 403 403 403 403 403 in  in  in',
  removePasskey: '401 403 403 403 403 403 403 403 in  in  in',
  challengePasskey: 'in  in  in  in  in  in  in  in  in  in  in',
  beginSignIn: 'in  in  in  in  in  in  in  in  in  in  in',
  finishSignIn: 'in  in  in  in  in  in  in  in  in  in  in',
  signInWithPasskey: 'in  in  in  in  in  in  in  in  in  in  in',
  getSession: 'in  in  in  in  in  in  in  in  in  in  in',
  signIn: 'in  in  in  in  in  in  in  in  in  in  in',
  setUp: 'in  in  in  in  in  in  in  in  in  in  in',
  openInvitation: 'in  in  in  in  in  in  in  in  in  in  in',
  acceptInvitation: 'in  in  in  in  in  in  in  in  in  in  in',
}

const unknownId = (noun: string) => `${noun}_01kcw3x8000000000000000000`

/** An address of an endpoint: the credential is a real one, all else does not exist, so that nothing is changed by looking. */
function addressOf(row: Endpoint, credential: string): string {
  return row.path.replace('{credential}', credential).replace(/\{(\w+)\}/g, (_, name: string) => unknownId(name.slice(0, 3)))
}

describe('who may call what', () => {
  let api: ApiWorld
  const keys = {} as Record<Role, string | null>
  const cookies = {} as Partial<Record<Role, string>>
  let credential = ''
  let other = ''
  before(async () => {
    // What is behind an open door does not matter here, only who passes: everything fails in the same way.
    const inside = new Proxy(
      {},
      {
        get: () => async () => {
          throw new Error('behind the door')
        },
      },
    )
    api = await openApiWorld({
      replace: (services) => ({
        credentials: Object.assign(Object.create(inside) as object, {
          idOf: services.credentials.idOf.bind(services.credentials),
          knownId: services.credentials.knownId.bind(services.credentials),
          nameOf: services.credentials.nameOf.bind(services.credentials),
        }) as never,
        exporter: inside as never,
        importer: inside as never,
        consents: inside as never,
        registrations: inside as never,
        providers: inside as never,
        senders: inside as never,
        mailOptions: inside as never,
        webhooks: inside as never,
        outbox: inside as never,
        deletedCredentials: inside as never,
        requests: inside as never,
        actions: inside as never,
        actionRuns: inside as never,
        schedules: inside as never,
        actionHooks: inside as never,
        rotation: inside as never,
        backups: inside as never,
        accessKeys: Object.assign(Object.create(inside) as object, {
          authenticate: services.accessKeys.authenticate.bind(services.accessKeys),
          authenticateAgain: services.accessKeys.authenticateAgain.bind(services.accessKeys),
        }) as never,
      }),
    })
    for (const name of ['mine', 'theirs']) {
      const view = await api.world.credentials.create({ name, kind: 'api_key', secret: new Secret('CANARY-api-key') }, tester)
      if (name === 'mine') credential = view.id
      else other = view.id
    }
    const on = (id: string, right: 'read' | 'token' | 'mail') => ({ permissions: [{ credential: id, rights: [right] }] })
    keys.nobody = null
    keys.reader = await api.makeKey(on(credential, 'read'))
    keys.job = await api.makeKey(on(credential, 'token'))
    keys['other job'] = await api.makeKey(on(other, 'token'))
    keys.mailer = await api.makeKey(on(credential, 'mail'))
    keys.manager = await api.makeKey({ permissions: [], administration: ['manage'] })
    keys.keeper = await api.makeKey({ permissions: [], administration: ['keys'] })
    keys.auditor = await api.makeKey({ permissions: [], administration: ['audit'] })
    for (const [role, as] of [
      ['administrator', 'administrator'],
      ['managing person', 'manager'],
      ['viewer', 'viewer'],
    ] as const) {
      keys[role] = null
      cookies[role] = await signInAs(api, as)
    }
  })
  after(() => api.close())

  const ask = (row: Endpoint, role: Role, name = credential, more: Ask = {}): Promise<Reply> => {
    // A query that no endpoint knows: whoever is let in gets no further than that, and changes nothing.
    return api.ask(row.method, `${addressOf(row, name)}?walker=1`, {
      key: keys[role],
      ...(cookies[role] === undefined ? {} : { headers: { cookie: cookies[role] } }),
      ...more,
    })
  }
  const verdict = (reply: Reply): string => {
    if (reply.status === 401) return '401'
    if (reply.json.code === 'not_allowed') return '403'
    if (reply.json.code === 'not_found') return '404'
    return 'in'
  }

  it('Z1: every route lets in whom the matrix names, and refuses everybody else', async () => {
    assert.deepEqual(Object.keys(matrix).sort(), contract.map((row) => row.id).sort(), 'every endpoint has its row in the matrix')
    const wrong: string[] = []
    for (const row of contract as readonly Endpoint[]) {
      const expected = matrix[row.id as EndpointId].split(/\s+/)
      for (const [i, role] of roles.entries()) {
        const is = verdict(await ask(row, role))
        if (is !== expected[i]) wrong.push(`${row.id} for ${role}: ${is} instead of ${expected[i]}`)
      }
    }
    assert.deepEqual(wrong, [])
  })

  it('Z1: when the decision itself fails, nobody is let in', async (t) => {
    const broken = await openApiWorld({
      replace: (services) => ({
        credentials: Object.assign(Object.create(services.credentials) as object, {
          knownId: () => undefined,
          idOf: async () => {
            throw new Error('no decision')
          },
        }) as never,
      }),
    })
    t.after(() => broken.close())
    const reply = await broken.ask('POST', '/v1/credentials/any/token', { body: {} })
    assert.equal(reply.status, 500)
    assert.equal(reply.json.code, 'internal_error')
    assert.doesNotMatch(reply.text, /no decision/)
  })

  it('Z2: a credential of others looks exactly like one that does not exist, for every verb', async () => {
    for (const row of (contract as readonly Endpoint[]).filter((one) => one.path.includes('{credential}'))) {
      for (const role of ['reader', 'job', 'mailer', 'keeper', 'auditor'] as const) {
        const foreign = await ask(row, role, other)
        const unknown = await ask(row, role, unknownId('cred'))
        const same = (reply: Reply, id: string) => reply.text.replace(id, 'ID').replace(/"request_id":"[^"]+"/, '')
        assert.equal(foreign.status, unknown.status, `${row.id} for ${role}`)
        assert.equal(same(foreign, other), same(unknown, unknownId('cred')), `${row.id} for ${role}`)
      }
    }
  })

  it('Z2: a credential of others is looked for as long as one that does not exist: by the same questions to the database', async (t) => {
    const asked: string[] = []
    const { all } = StatementSync.prototype
    t.mock.method(StatementSync.prototype, 'all', function (this: StatementSync, ...values: SQLInputValue[]) {
      // The looks for events and for work that is due come by themselves, whatever is asked.
      if (!/"events"|"jobs"/.test(this.sourceSQL)) asked.push(this.sourceSQL)
      return all.apply(this, values as never)
    })
    const questions = async (role: 'job' | 'keeper', id: string) => {
      asked.length = 0
      for (const row of rowsOfCredential) assert.equal((await ask(row, role, id)).json.code, 'not_found', row.id)
      return [...asked].sort()
    }
    const rowsOfCredential = (contract as readonly Endpoint[]).filter((one) => typeof one.permission === 'object' && 'credential' in one.permission)
    assert.ok(rowsOfCredential.length >= 3)
    // Somebody who may use it has just done so: it is in memory.
    await api.services.credentials.idOf(other)
    const foreign = await questions('job', other)
    assert.deepEqual(foreign, await questions('job', unknownId('cred')))
    assert.ok(foreign.length >= rowsOfCredential.length)
  })

  it('Z2: a foreign credential cannot be given away in a new access key', async (t) => {
    const whole = await openApiWorld()
    t.after(() => whole.close())
    const one = await whole.world.credentials.create({ name: 'one', kind: 'api_key', secret: new Secret('CANARY') }, tester)
    const two = await whole.world.credentials.create({ name: 'two', kind: 'api_key', secret: new Secret('CANARY') }, tester)
    const keeper = await whole.makeKey({ permissions: [{ credential: one.id, rights: ['token'] }], administration: ['keys'] })
    const give = (permissions: unknown[], administration: string[] = []) =>
      whole.ask('POST', '/v1/access-keys', { key: keeper, body: { name: `k${Math.random()}`, permissions, administration } })
    assert.equal((await give([{ credential: 'one', rights: ['token'] }])).status, 201)
    const foreign = await give([{ credential: two.id, rights: ['token'] }])
    const unknown = await give([{ credential: unknownId('cred'), rights: ['token'] }])
    assert.equal(foreign.json.code, 'not_found')
    assert.equal(unknown.json.code, 'not_found')
    assert.equal((await give([{ credential: '*', rights: ['token'] }])).json.code, 'not_allowed')
    assert.equal((await give([{ credential: 'one', rights: ['mail'] }])).json.code, 'not_allowed')
    assert.equal((await give([{ credential: 'one', rights: ['token'] }], ['manage'])).json.code, 'not_allowed')
    assert.equal((await whole.world.accessKeys.list()).length, 3)
  })

  it('Z3: a missing, empty, doubled or foreign identity is refused, never replaced by another one', async () => {
    const key = api.ownerKey
    const cases: Record<string, Record<string, string | string[]>> = {
      missing: {},
      empty: { authorization: '' },
      'only the scheme': { authorization: 'Bearer' },
      'another scheme': { authorization: `Basic ${key}` },
      'without a scheme': { authorization: key },
      doubled: { authorization: [`Bearer ${key}`, `Bearer ${key}`] },
      'another header': { 'x-api-key': key, 'x-user': 'admin', 'x-forwarded-user': 'admin', cookie: `key=${key}` },
      mistyped: { authorization: `Bearer ${key.slice(0, -1)}` },
      'of nobody': { authorization: `Bearer kb_${'A'.repeat(46)}` },
      'two in one': { authorization: `Bearer ${key} ${key}` },
    }
    for (const [name, headers] of Object.entries(cases)) {
      for (const path of ['/v1/credentials', '/v1/providers', '/v1/status', '/v1/events']) {
        const reply = await api.ask('GET', path, { key: null, headers })
        assert.equal(reply.status, 401, `${name} at ${path}`)
        assert.equal(reply.headers['www-authenticate'], 'Bearer realm="Keybearer"')
      }
      const reply = await api.ask('POST', `/v1/credentials/${credential}/token`, { key: null, headers, body: {} })
      assert.equal(reply.status, 401, `${name} at the hand-out`)
    }
    const inQuery = await api.ask('GET', `/v1/status?access_token=${key}&key=${key}`, { key: null })
    assert.equal(inQuery.status, 401)
  })

  it('A7: every endpoint says what the audit trail says of it, and only looking may say nothing', () => {
    // They explain or write a text, or ask the browser for what the next call brings.
    const onlyLooking = new Set(['explainFailure', 'previewAction', 'challengePasskey', 'startPasskey'])
    for (const row of contract as readonly Endpoint[]) {
      assert.ok('audit' in row, row.id)
      if (row.method !== 'GET' && !onlyLooking.has(row.id)) assert.notEqual(row.audit, null, `${row.id} changes something or touches a secret`)
    }
  })

  it('A7: every refusal is in the audit trail, with who, what and why', async (t) => {
    const fresh = await openApiWorld()
    t.after(() => fresh.close())
    const view = await fresh.world.credentials.create({ name: 'mine', kind: 'api_key', secret: new Secret('CANARY') }, tester)
    const reader = await fresh.makeKey({ name: 'reader', permissions: [{ credential: view.id, rights: ['read'] }] })
    await fresh.ask('POST', '/v1/credentials/mine/token', { key: reader, body: {} })
    await fresh.ask('GET', '/v1/audit', { key: null })
    const { items } = await fresh.services.audit.list({ outcome: 'refused' })
    assert.deepEqual(
      items.map((item) => [item.action, item.actor.name, item.subject?.id ?? null, item.subject?.name ?? null, item.reason, item.detail.endpoint]),
      [
        ['access_key.refused', 'nobody', null, null, 'The request carries no access key.', 'listAudit'],
        ['api.refused', 'reader', view.id, 'mine', 'not_allowed', 'handOutToken'],
      ],
    )
    assert.ok(items.every((item) => item.address === '127.0.0.1'))
  })

  it('P8: a flood of refused calls is recorded in part, with the number of those left out', async (t) => {
    const fresh = await openApiWorld()
    t.after(() => fresh.close())
    for (let i = 0; i < 100; i++) await fresh.ask('GET', '/v1/status', { key: null })
    const { items } = await fresh.services.audit.list({ outcome: 'refused', limit: 500 })
    assert.ok(items.length >= 20 && items.length <= 25, `${items.length} records`)
    // The next one that finds room says how many were not written.
    await new Promise((done) => setTimeout(done, 3100))
    await fresh.ask('GET', '/v1/status', { key: null })
    const all = (await fresh.services.audit.list({ outcome: 'refused', limit: 500 })).items
    assert.equal(
      all.reduce((sum, { detail }) => sum + 1 + Number(detail.left_out ?? 0), 0),
      101,
    )
  })
})
