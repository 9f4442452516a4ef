import assert from 'node:assert/strict'
import { createServer as createTlsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { makeCertificate, type Certificate } from '../../test/certificates.ts'
import { MailServer } from '../../test/mail-server.ts'
import { startFakeProvider, type Answer, type FakeProvider } from '../../test/world.ts'
import type { ProviderInput } from '../providers/provider-schema.ts'

const tenant = '11111111-1111-4111-8111-111111111111'
const client = '22222222-2222-4222-8222-222222222222'
const outlook = 'https://outlook.office365.com'
const day = 86_400_000

const jwt = (claims: object) => `${btoa('{}')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
const goodClaims = { aud: outlook, tid: tenant, appid: client, roles: ['SMTP.SendAsApp'] }
const granted = (claims: object = goodClaims): Answer => ({ body: { access_token: jwt(claims), token_type: 'Bearer', expires_in: 3600 } })
const refused = (error: string, text: string): Answer => ({ status: 400, body: { error, error_description: text } })

type Step = { name: string; outcome: string; message: string; next_step: string | null; diagnosis: { id: string; fix: string[] } | null }
type Fault = {
  /** What the token endpoint says to a request for a token. */
  token?: Answer | ((grant: string) => Answer)
  /** What the API says to the token. */
  api?: Answer
  mail?: string
  mailServer?: MailServer
  provider?: Partial<ProviderInput>
  scopes?: string[]
  secret?: string
  secretEnds?: string
  grant?: 'client_credentials' | 'authorization_code'
  connected?: boolean
  /** Milliseconds that the provider's clock is behind ours. */
  behind?: number
  port?: number
  /** What must be found. */
  step: string
  id?: string | null
  says?: RegExp
  fix?: RegExp
}

describe('the doctor goes through a credential from the outside in', () => {
  let api: ApiWorld
  let fake: FakeProvider
  let mail: MailServer
  let plainMail: MailServer
  let authority: Certificate
  const servers: Server[] = []
  before(async () => {
    authority = makeCertificate({ subject: 'test authority' })
    api = await openApiWorld({ world: { ca: authority.cert } })
    fake = await startFakeProvider()
    mail = await new MailServer({ mechanisms: ['XOAUTH2'] }).listen()
    plainMail = await new MailServer({ mechanisms: ['PLAIN', 'LOGIN'] }).listen()
  })
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    }
    await mail.close()
    await plainMail.close()
    await fake.close()
    await api.close()
  })

  let count = 0
  /** Makes a credential with a fault and returns what the doctor finds. */
  async function examine(fault: Partial<Fault>): Promise<{ ok: boolean; steps: Step[]; name: string }> {
    const name = `doctored-${count++}`
    const base = fake.url
    fake.answer = ({ path, parameters }): Answer => {
      const date = { date: new Date(Date.now() - (fault.behind ?? 0)).toUTCString() }
      const answer: Answer = path.startsWith('/token')
        ? parameters.has('grant_type')
          ? typeof fault.token === 'function'
            ? fault.token(parameters.get('grant_type')!)
            : (fault.token ?? granted())
          : { status: 405, body: {} }
        : path.startsWith('/.well-known')
          ? { status: 404, body: {} }
          : (fault.api ?? { body: { id: 'me' } })
      return { ...answer, headers: { ...date, ...answer.headers } }
    }
    const description: ProviderInput = {
      id: `microsoft-${name}`,
      version: 1,
      name: 'Contoso sign-in',
      token_endpoint: `${base}/token`,
      authorization_endpoint: `${base}/authorize`,
      grants: ['client_credentials', 'authorization_code'],
      client_auth: ['client_secret_post'],
      placeholders: { tenant: { title: 'Tenant', meaning: 'Whose.', example: tenant } },
      hosts: ['127.0.0.1', new URL(base).host],
      mail: {
        smtp: [{ host: '127.0.0.1', port: mail.port, tls: 'starttls', mechanisms: ['XOAUTH2'], scopes: [`${outlook}/.default`, `${outlook}/SMTP.Send`] }],
      },
      test_request: { url: `${base}/me` },
      ...fault.provider,
    }
    const made = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const reply = await api.ask('POST', path, { body })
      assert.equal(reply.status, 201, reply.text)
      return reply.json
    }
    await made('/v1/providers', description)
    const grant = fault.grant ?? 'client_credentials'
    await made('/v1/credentials', {
      name,
      grant,
      username: 'office@contoso.com',
      registration: {
        name: `${name}-app`,
        provider: description.id,
        client_id: client,
        client_secret: fault.secret ?? 'a-client-secret~value',
        placeholders: { tenant },
        ...(fault.secretEnds === undefined ? {} : { secret_expires_at: fault.secretEnds }),
      },
      scopes: fault.scopes ?? [`${outlook}/.default`],
      ...(grant === 'authorization_code' && fault.connected !== false ? { refresh_token: 'rt-1' } : {}),
    })
    const server = fault.mailServer ?? mail
    mail.on = { login: () => fault.mail }
    await made('/v1/senders', {
      name: `${name}-sender`,
      host: '127.0.0.1',
      port: fault.port ?? server.port,
      tls: 'none',
      credential: name,
      from: 'office@contoso.com',
    })
    const { status, json, text } = await api.ask('POST', `/v1/credentials/${name}/examination`)
    assert.equal(status, 200, text)
    return { ok: json.ok as boolean, steps: json.steps as Step[], name }
  }

  it('says of one that works what was looked at, and that all of it works', async () => {
    const { ok, steps } = await examine({})
    assert.deepEqual(
      steps.map((step) => `${step.name}: ${step.outcome}`),
      [
        'name: ok',
        'connection: ok',
        'clock: ok',
        'client: ok',
        'grant: ok',
        'tenant: ok',
        'audience: ok',
        'permissions: ok',
        'API: ok',
        'mail (doctored-0-sender): ok',
      ],
    )
    assert.equal(ok, true)
    const { json } = await api.ask('GET', '/v1/audit?action=credential.examined')
    assert.equal((json.items as unknown[]).length, 1)
  })

  const aad = (error: string, number: number, words: string) => refused(error, `AADSTS${number}: ${words} Trace ID: 4f4c1375-f527-4f78-9e4a-570b36e47561`)
  const faults: Record<string, Fault> = {
    'a wrong client secret': {
      token: aad('invalid_client', 7000215, 'Invalid client secret provided.'),
      step: 'client',
      id: 'ms_aadsts7000215',
      fix: /New client secret/,
    },
    "the secret's ID instead of its value": {
      token: aad('invalid_client', 7000215, 'Invalid client secret provided.'),
      secret: '33333333-3333-4333-8333-333333333333',
      step: 'client',
      id: 'ms_aadsts7000215',
      says: /"Secret ID" was pasted instead of the "Value"/,
      fix: /copy the column "Value"/,
    },
    'a client secret that has run out': {
      token: aad('invalid_client', 7000222, 'The provided client secret keys are expired.'),
      step: 'client',
      id: 'ms_aadsts7000222',
    },
    'a client secret whose end is known and past': {
      secretEnds: new Date(Date.now() - 2 * day).toISOString(),
      step: 'registration',
      id: 'ms_aadsts7000222',
      says: /ran out on/,
    },
    'a wrong client ID': {
      token: aad('unauthorized_client', 700016, 'Application was not found in the directory.'),
      step: 'client',
      id: 'ms_aadsts700016',
      fix: /Application \(client\) ID/,
    },
    'a wrong tenant': {
      token: aad('invalid_request', 90002, "Tenant 'contoso2.example' not found."),
      step: 'grant',
      id: 'ms_aadsts90002',
      fix: /Directory \(tenant\) ID/,
    },
    'a missing consent of an administrator': {
      token: aad('invalid_grant', 65001, 'The user or administrator has not consented.'),
      step: 'grant',
      id: 'ms_aadsts65001',
      fix: /Grant admin consent|Reconnect/,
    },
    'a scope that unattended access cannot have': {
      token: aad('invalid_scope', 1002012, 'Client credential flows must have a scope value with /.default suffixed.'),
      scopes: [`${outlook}/SMTP.Send`],
      step: 'grant',
      id: 'ms_aadsts1002012',
      fix: /\/\.default/,
    },
    'an app that is disabled': { token: aad('unauthorized_client', 7000112, 'Application is disabled.'), step: 'client', id: 'ms_aadsts7000112' },
    'a rule of Conditional Access': {
      token: aad('access_denied', 53003, 'Access has been blocked by Conditional Access policies.'),
      step: 'grant',
      id: 'ms_aadsts53003',
    },
    'a consent that was revoked': {
      grant: 'authorization_code',
      token: refused('invalid_grant', 'Token has been expired or revoked.'),
      step: 'grant',
      id: 'google_invalid_grant_revoked',
      fix: /keybearer connect doctored-/,
    },
    'a consent that lay unused for too long': {
      grant: 'authorization_code',
      token: aad('invalid_grant', 700082, 'The refresh token has expired due to inactivity.'),
      step: 'grant',
      id: 'ms_aadsts700082',
    },
    'a credential that nobody has connected': { grant: 'authorization_code', connected: false, step: 'grant', says: /no refresh token/i },
    'a token for another service': {
      token: granted({ ...goodClaims, aud: 'https://graph.microsoft.com' }),
      step: 'audience',
      id: 'graph_bad_audience',
      says: /is for https:\/\/graph\.microsoft\.com, but 127\.0\.0\.1 wants/,
    },
    'a token of another tenant': {
      token: granted({ ...goodClaims, tid: '99999999-9999-4999-8999-999999999999' }),
      step: 'tenant',
      says: /registration names 11111111-/,
    },
    'a token of another client': { token: granted({ ...goodClaims, appid: 'other' }), step: 'client', says: /made for the client other/ },
    'a token without any permission': {
      token: granted({ ...goodClaims, roles: undefined }),
      step: 'permissions',
      id: 'ms_aadsts65005',
      fix: /API permissions/,
    },
    'a token without the permission for SMTP': {
      token: granted({ ...goodClaims, roles: ['Mail.Read'] }),
      step: 'permissions',
      id: 'ms_aadsts65005',
      says: /lacks the permission SMTP\.SendAsApp/,
    },
    'a scope that was not granted': {
      grant: 'authorization_code',
      scopes: [`${outlook}/SMTP.Send`, `${outlook}/IMAP.AccessAsUser.All`],
      token: { body: { access_token: 'opaque-token', expires_in: 3600, scope: `${outlook}/SMTP.Send` } },
      step: 'scopes',
      id: 'local_scope_shortfall',
      says: /IMAP\.AccessAsUser\.All/,
    },
    'SMTP that is off for the organization': {
      mail: '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.',
      step: 'mail',
      id: 'exo_smtp_auth_tenant',
      fix: /Set-CASMailbox -Identity office@contoso\.com -SmtpClientAuthenticationDisabled \$false/,
    },
    'SMTP that is off for the mailbox': {
      mail: '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.',
      step: 'mail',
      id: 'exo_smtp_auth_mailbox',
    },
    'a service principal that Exchange does not know': {
      mail: '535 5.7.3 Authentication unsuccessful [X.PROD.OUTLOOK.COM]',
      step: 'mail',
      id: 'exo_5357_3',
      fix: /New-ServicePrincipal|outlook\.office365\.com/,
    },
    'security defaults': {
      mail: "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
      step: 'mail',
      id: 'exo_security_defaults',
    },
    'a mail server that is busy': { mail: '454 4.7.0 Temporary authentication failure', step: 'mail', id: 'smtp_454_temp_auth' },
    'a mail port on which nobody listens': { port: 9, step: 'mail', id: 'net_refused', fix: /Check host and port/ },
    'an API that refuses the token': {
      api: { status: 403, body: { error: { code: 'ErrorAccessDenied', message: 'Access is denied.' } } },
      step: 'API',
      id: 'graph_access_denied',
    },
    'an API that is not switched on': {
      api: {
        status: 403,
        body: { error: { code: 403, message: 'Gmail API has not been used in project 1 before or it is disabled.', status: 'PERMISSION_DENIED' } },
      },
      step: 'API',
      id: 'gapi_not_enabled',
      fix: /Enable/,
    },
    'a mailbox that a policy keeps from the app': {
      api: { status: 403, body: { error: { message: '[RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.' } } },
      step: 'API',
      id: 'graph_app_access_policy',
    },
    'a clock that is ten minutes ahead': { behind: 600_000, step: 'clock', id: 'local_clock_skew', says: /10 min ahead of/, fix: /timedatectl set-ntp true/ },
    'a page instead of a token': {
      token: { headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html>Sign in</html>' },
      step: 'client and grant',
      id: 'token_html_answer',
    },
    'a provider that is overloaded': {
      token: { status: 503, body: { error: 'temporarily_unavailable' } },
      step: 'client and grant',
      id: 'oauth_temporarily_unavailable',
    },
    'a provider that wants fewer requests': { token: { status: 429, body: {} }, step: 'client and grant', id: 'http_429' },
  }

  for (const [title, fault] of Object.entries(faults)) {
    it(`finds ${title}`, async () => {
      const { ok, steps } = await examine(fault)
      const found = steps.filter((step) => step.outcome === 'failed')
      const told = JSON.stringify(steps, null, 1)
      assert.equal(ok, false, told)
      const [first] = found
      assert.ok(first!.name.startsWith(fault.step), told)
      if (fault.id !== undefined) assert.equal(first!.diagnosis?.id, fault.id, told)
      if (fault.says) assert.match(first!.message, fault.says)
      const advice = [first!.next_step, ...(first!.diagnosis?.fix ?? [])].join('\n')
      assert.ok(advice.length > 20, told)
      if (fault.fix) assert.match(advice, fault.fix)
      assert.doesNotMatch(told, /a-client-secret~value|rt-1|c2ln/)
    })
  }

  it('finds a mail server without OAuth', async () => {
    const { steps } = await examine({ mailServer: plainMail })
    const last = steps.at(-1)!
    assert.equal(last.outcome, 'failed')
    assert.match(last.message, /offers PLAIN, LOGIN, and not XOAUTH2/)
  })

  it('warns of a clock that is three minutes behind, and goes on', async () => {
    const { ok, steps } = await examine({ behind: -180_000 })
    assert.equal(ok, true)
    const clock = steps.find((step) => step.name === 'clock')!
    assert.equal(clock.outcome, 'warning')
    assert.match(clock.message, /3 min behind/)
  })

  /** Starts an https server with a certificate, whose answers are those of the fake provider. */
  async function tlsServer(certificate: Certificate): Promise<string> {
    const server = createTlsServer({ cert: certificate.cert, key: certificate.key }, (_, response) => response.end('{}'))
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  }
  const atFault = (token_endpoint: string) => ({ provider: { token_endpoint } })

  const certificates: Record<string, [() => Certificate, string]> = {
    'has run out': [
      () => makeCertificate({ subject: 'old', issuer: authority, names: ['127.0.0.1'], from: Date.now() - 9 * day, until: Date.now() - day }),
      'tls_cert_expired',
    ],
    'is for another name': [() => makeCertificate({ subject: 'other', issuer: authority, names: ['login.example.org'] }), 'tls_wrong_name'],
    'comes from an unknown authority': [
      () => makeCertificate({ subject: 'x', issuer: makeCertificate({ subject: 'stranger' }), names: ['127.0.0.1'] }),
      'tls_unknown_issuer',
    ],
  }
  for (const [title, [make, id]] of Object.entries(certificates)) {
    it(`finds a certificate that ${title}, and sends no secret`, async () => {
      const seen = fake.seen.length
      const { steps } = await examine(atFault(await tlsServer(make())))
      const step = steps.find((one) => one.outcome === 'failed')!
      assert.equal(step.name, 'encryption', JSON.stringify(steps))
      assert.equal(step.diagnosis?.id, id)
      assert.equal(steps.at(-1)!.outcome, 'skipped')
      assert.equal(fake.seen.length, seen)
    })
  }

  it('finds a blocked port and a name that does not exist', async () => {
    const refusedStep = (await examine(atFault('http://127.0.0.1:9/token'))).steps.find((step) => step.outcome === 'failed')!
    assert.deepEqual([refusedStep.name, refusedStep.diagnosis?.id], ['connection', 'net_refused'])
    const unknown = (await examine(atFault('https://login.invalid/token'))).steps.find((step) => step.outcome === 'failed')!
    assert.equal(unknown.name, 'name')
    assert.ok(['net_dns_not_found', 'net_dns_temp'].includes(unknown.diagnosis?.id ?? ''), JSON.stringify(unknown))
  })

  it('finds a provider whose metadata are of another issuer, and warns of another token endpoint', async () => {
    const metadata = (issuer: string) => ({
      status: 200,
      body: { issuer, token_endpoint: `${fake.url}/elsewhere`, authorization_endpoint: `${fake.url}/authorize` },
    })
    const before = fake.url
    const run = async (issuer: string) => {
      const look = examine({ provider: { issuer: before } })
      const { answer } = fake
      fake.answer = (request, number) => (request.path.startsWith('/.well-known') ? metadata(issuer) : fakeAnswer(request, number))
      const fakeAnswer = answer
      return (await look).steps.find((step) => step.name === 'metadata')!
    }
    const other = await run('https://evil.example')
    assert.equal(other.outcome, 'failed')
    assert.equal(other.diagnosis?.id, 'local_metadata_issuer')
    const moved = await run(before)
    assert.equal(moved.outcome, 'warning')
    assert.match(moved.message, /names another token endpoint/)
  })
})
