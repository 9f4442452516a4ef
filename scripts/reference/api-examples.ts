import type { EndpointId } from '../../src/api/contract.ts'

/** A call as the reference page shows it. A test holds its body and its reply against the contract. */
export type ApiExample = { params?: Record<string, string>; query?: string; headers?: Record<string, string>; body?: unknown; reply?: unknown }

const credential = { credential: 'work-mail' }

export const apiExamples: Partial<Record<EndpointId, ApiExample>> = {
  listCredentials: { query: 'status=needs_consent,misconfigured' },
  createCredential: {
    headers: { 'Idempotency-Key': 'set-up-crm' },
    body: {
      name: 'crm',
      grant: 'client_credentials',
      registration: {
        name: 'crm',
        provider: 'microsoft',
        client_id: '11111111-2222-3333-4444-555555555555',
        client_secret: 'the Value, not the Secret ID',
        placeholders: { tenant: 'contoso.onmicrosoft.com' },
      },
      scopes: ['https://graph.microsoft.com/.default'],
    },
  },
  getCredential: { params: credential },
  changeCredential: { params: credential, headers: { 'If-Match': '"7"' }, body: { description: 'Monthly statements', tags: ['finance'] } },
  deleteCredential: {
    params: credential,
    query: 'revoke=true',
    reply: { revocation: { outcome: 'revoked', message: 'The provider took the tokens back.' }, restorable_until: '2026-12-24T12:00:00.000Z' },
  },
  exportCredentials: { body: { credentials: ['work-mail'], secrets: 'encrypted', passphrase: 'several words that nobody guesses' } },
  importCredentials: {
    body: { content: 'name,kind,secret,allowed_hosts\ncrm,api_key,k-4711,api.crm.example\n', on_clash: 'skip', dry_run: true },
    reply: {
      format: 'csv',
      applied: false,
      items: [
        { name: 'crm', kind: 'api_key', provider: null, action: 'create', final_name: 'crm', problem: null, notes: ['It may be sent to api.crm.example.'] },
      ],
    },
  },
  countCredentials: { query: 'tag=finance' },
  handOutToken: {
    params: credential,
    body: { min_ttl_seconds: 600 },
    reply: {
      access_token: 'ya29.a0AfB_…',
      token_type: 'Bearer',
      expires_at: '2026-11-24T07:12:09.000Z',
      expires_in: 3599,
      scope: 'https://mail.google.com/',
      credential: { id: 'cred_8hq2v7c1', name: 'work-mail', username: 'anna@example.org' },
    },
  },
  sendRequest: {
    body: { credential: 'crm', url: 'https://graph.microsoft.com/v1.0/users', query: { $top: '1' } },
    reply: {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"value":[{"displayName":"Anna"}]}',
      body_encoding: 'text',
      truncated: false,
      duration_ms: 184,
      attempts: 1,
    },
  },
  testCredential: { params: credential },
  startConsent: {
    params: credential,
    body: { mode: 'device' },
    reply: {
      id: 'cons_3k9d0x2m',
      credential: { id: 'cred_8hq2v7c1', name: 'work-mail' },
      mode: 'device',
      status: 'waiting',
      authorization_url: null,
      link: null,
      started_by: 'nightly',
      created_at: '2026-11-24T06:27:09.000Z',
      user_code: 'WDJB-MJHT',
      verification_uri: 'https://www.google.com/device',
      verification_uri_complete: null,
      interval: 5,
      expires_at: '2026-11-24T06:42:09.000Z',
      problem: null,
    },
  },
  getConsent: { params: { consent: 'cons_3k9d0x2m' } },
  answerConsent: { params: { consent: 'cons_3k9d0x2m' }, body: { redirect_url: 'http://127.0.0.1:7420/oauth/callback/reg_5t1w8r4z?state=3pQ…&code=4/0Ab…' } },
  createRegistration: { body: { name: 'google-mail', provider: 'google', client_id: '1234-abcd.apps.googleusercontent.com', client_secret: 'GOCSPX-…' } },
  changeRegistration: { params: { registration: 'crm' }, body: { client_secret: 'the new one', secret_expires_at: '2027-11-24T00:00:00Z' } },
  discoverProvider: { body: { issuer: 'https://login.example.org' } },
  createAccessKey: {
    body: { name: 'backup-job', permissions: [{ credential: 'work-mail', rights: ['token'] }], networks: ['192.0.2.0/24'], expires_at: '2027-02-22T00:00:00Z' },
  },
  revokeAccessKey: { params: { access_key: 'backup-job' } },
  createSender: {
    body: { name: 'office', host: 'smtp.office365.com', port: 587, tls: 'starttls', credential: 'work-mail', from: 'anna@example.org', is_default: true },
  },
  testSender: { params: { sender: 'office' }, body: { to: 'you@example.org' } },
  sendMessage: {
    headers: { 'Idempotency-Key': 'statement-2026-11' },
    body: {
      to: ['Bob <bob@example.net>'],
      subject: 'Your statement',
      text: 'It is attached.',
      attachments: [{ filename: 'statement.csv', content_type: 'text/csv', content: 'ZGF0ZTthbW91bnQK' }],
    },
  },
  sendRawMessage: { body: { mime: 'RnJvbTogYW5uYUBleGFtcGxlLm9yZw0KU3ViamVjdDogSGVsbG8NCg0KSXQgd29ya3MuDQo=', to: ['bob@example.net'] } },
  listMessages: { query: 'status=failed' },
  listAudit: { query: 'action=token.handed_out&limit=10' },
  verifyAudit: { reply: { ok: true, records: 18204, head: 'b1946ac92492d2347c6235b4d2611184', first_bad: null, what: null } },
  streamEvents: { query: 'type=credential.broken,credential.recovered' },
  getReadiness: { reply: { status: 'ok' } },
  getMetrics: {},
  setMailOptions: {
    body: {
      default_sender: 'office',
      fallbacks: [{ sender: 'relay', when: ['unreachable', 'credential_not_ready'] }],
      notify: { to: ['ops@example.org'], events: ['credential.broken', 'credential.expiring'] },
    },
  },
  exportAudit: { query: 'from=2026-11-01T00:00:00Z' },
}
