import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtVerify } from 'jose'

const catalogue = join(import.meta.dirname, '..', '..', 'providers')
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export type KnownProviders = {
  /** A folder for KEYBEARER_PROVIDERS: Google and Microsoft as the catalogue has them, with addresses of this machine. */
  folder: string
  /** The key file of a service account, as Google Cloud gives it out. */
  serviceAccount: Record<string, string>
  /** Whom the service accounts acted for, and what was asked for. */
  statements: { subject: string | undefined; scope: unknown }[]
  /** Scopes that a machine asked for in the manner of Microsoft. */
  asked: string[]
  stop: () => Promise<void>
}

/**
 * Lets entries of the catalogue lead to the test provider. What the test provider does not do itself is done here: the
 * signed statement of a service account, which comes without a client, and the scope `…/.default`.
 */
export async function startKnownProviders(issuer: string): Promise<KnownProviders> {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-providers-'))
  const statements: KnownProviders['statements'] = []
  const asked: string[] = []
  const server = createServer((request, response) => {
    answer(request)
      .then(({ status, body }) => response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body))
      .catch((error: Error) =>
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant', error_description: error.message })),
      )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`

  async function answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const form = new URLSearchParams(text)
    if (form.get('grant_type') === bearer) {
      const { payload } = await jwtVerify(form.get('assertion') ?? '', key.publicKey, { issuer: serviceAccount.client_email!, audience: `${url}/token` })
      statements.push({ subject: payload.sub, scope: payload.scope })
      return { status: 200, body: JSON.stringify({ access_token: `at-${statements.length}`, token_type: 'Bearer', expires_in: 3599 }) }
    }
    if (form.get('scope')?.endsWith('/.default') === true) {
      asked.push(form.get('scope')!)
      form.set('scope', 'smtp.send')
    }
    const { authorization } = request.headers
    const reply = await fetch(`${issuer}/token`, { method: 'POST', body: form, headers: authorization === undefined ? {} : { authorization } })
    return { status: reply.status, body: await reply.text() }
  }

  const write = (id: string, change: object) =>
    writeFileSync(join(folder, `${id}.json`), JSON.stringify({ ...JSON.parse(readFileSync(join(catalogue, `${id}.json`), 'utf8')), ...change }))
  const own = { revocation_endpoint: `${issuer}/token/revocation`, userinfo_endpoint: `${issuer}/me`, jwks_uri: `${issuer}/jwks`, hosts: ['localhost'] }
  write('google', {
    ...own,
    issuer,
    discovery_url: `${issuer}/.well-known/openid-configuration`,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${url}/token`,
    device_authorization_endpoint: `${issuer}/device/auth`,
    default_scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
    parameters: { authorize: { prompt: 'consent' } },
    test_request: undefined,
  })
  write('microsoft', {
    issuer: undefined,
    discovery_url: undefined,
    jwks_uri: undefined,
    test_request: undefined,
    hosts: ['localhost'],
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${url}/{tenant}/oauth2/v2.0/token`,
    device_authorization_endpoint: `${issuer}/device/auth`,
  })
  const serviceAccount: Record<string, string> = {
    type: 'service_account',
    project_id: 'night-jobs',
    private_key_id: 'key-1',
    private_key: String(key.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    client_email: 'robot@night-jobs.iam.gserviceaccount.com',
    client_id: '1234567890',
    token_uri: 'https://oauth2.googleapis.com/token',
  }
  return {
    folder,
    serviceAccount,
    statements,
    asked,
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
