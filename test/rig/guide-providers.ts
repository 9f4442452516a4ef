import { createHash, createPublicKey, generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader, importPKCS8, jwtVerify, SignJWT } from 'jose'
import { createTransport } from 'nodemailer'
import { clientSecrets } from './authorization-server.ts'
import type { MailRigAddresses } from './mail-rig.ts'

const catalogue = join(import.meta.dirname, '..', '..', 'providers')
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** The client IDs of other applications stand for the public client of the rig. */
const isForeign = (clientId: string | null): boolean => /^[0-9a-f]{8}-/.test(clientId ?? '')
const clientOfBasic = (authorization = ''): string => Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8').split(':')[0]!
const readBlock = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

export type GuideProviders = {
  /** A folder for KEYBEARER_PROVIDERS. */
  folder: string
  serviceAccount: Record<string, string>
  /** Whom the service account acted for. */
  actedFor: string[]
  /** Takes a certificate as Entra does: a client assertion has to name and fit one of them. */
  upload: (pem: string) => void
  /** How clients proved themselves without a person. */
  proofs: string[]
  /** What they asked for, with the way to the token endpoint. */
  machineScopes: { path: string; scope: string }[]
  /** Where the mail API of Zoho is. */
  zohoApi: string
  stop: () => Promise<void>
}

/**
 * Lets entries of the catalogue lead to the mail rig: its authorization server, and its mail servers in place of theirs. The
 * tokens are real ones; what the rig's server does not do as Google and Microsoft do is done here.
 */
export async function startGuideProviders(rig: MailRigAddresses): Promise<GuideProviders> {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-providers-'))
  const actedFor: string[] = []
  const proofs: string[] = []
  const machineScopes: GuideProviders['machineScopes'] = []
  const certificates = new Map<string, string>()
  const asked = new Map<string, string>()
  const server = createServer((request, response) => {
    const reply = (status: number, body: string, location?: string) =>
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...(location === undefined ? {} : { location }) }).end(body)
    answer(request)
      .then(({ status, body, location }) => reply(status, body, location))
      .catch((error: Error) => reply(401, JSON.stringify({ error: 'invalid_client', error_description: error.message })))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`

  async function answer(request: IncomingMessage): Promise<{ status: number; body: string; location?: string }> {
    const { pathname, searchParams } = new URL(request.url!, url)
    if (pathname.endsWith('/auth')) return signIn(searchParams)
    if (pathname.startsWith('/zoho-mail/')) return await zohoMail(pathname, request)
    const form = new URLSearchParams(await readBlock(request))
    if (isForeign(form.get('client_id'))) form.set('client_id', 'native')
    if (form.get('grant_type') === bearer) return await actFor(form)
    if (form.get('scope')?.endsWith('/.default') === true) {
      machineScopes.push({ path: pathname, scope: form.get('scope')! })
      form.set('scope', 'smtp.send')
      if (form.has('client_assertion')) {
        await checkAssertion(form.get('client_assertion')!, `${url}${request.url!}`)
        for (const name of ['client_assertion', 'client_assertion_type']) form.delete(name)
        form.set('client_secret', clientSecrets['robot-post'])
        proofs.push('certificate')
      } else proofs.push('secret')
    }
    const { status, body } = await ask(form, request.headers.authorization)
    const granted = JSON.parse(body) as { scope?: string }
    // What the rig calls smtp.send has another name at each provider.
    if (granted.scope?.includes('smtp.send') === true)
      granted.scope = asked.get(form.get('client_id') ?? clientOfBasic(request.headers.authorization)) ?? granted.scope
    return { status, body: JSON.stringify(granted) }
  }

  /** Leads on to the sign-in of the rig, which knows scopes of its own only. */
  function signIn(query: URLSearchParams): { status: number; body: string; location: string } {
    if (isForeign(query.get('client_id'))) query.set('client_id', 'native')
    asked.set(query.get('client_id') ?? '', query.get('scope') ?? '')
    query.set('scope', 'openid email offline_access smtp.send')
    query.set('prompt', 'consent')
    return { status: 302, body: '', location: `${rig.issuer}/auth?${query.toString()}` }
  }

  /** The mail API of Zoho: it names its token in its own way, and sends what comes as JSON. */
  async function zohoMail(path: string, request: IncomingMessage): Promise<{ status: number; body: string }> {
    const accessToken = /^Zoho-oauthtoken (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (accessToken === undefined) throw new Error('the API of Zoho wants Zoho-oauthtoken')
    if (path === '/zoho-mail/api/accounts')
      return { status: 200, body: JSON.stringify({ status: { code: 200 }, data: [{ accountId: '256063600000', type: 'ZOHO_ACCOUNT' }] }) }
    if (path !== '/zoho-mail/api/accounts/256063600000/messages' || request.method !== 'POST') return { status: 404, body: '{}' }
    const { fromAddress, toAddress, subject, content } = JSON.parse(await readBlock(request)) as Record<string, string>
    const transport = createTransport({
      host: 'localhost',
      port: rig.submissions.post,
      secure: true,
      tls: { ca: rig.ca },
      auth: { type: 'OAUTH2', user: fromAddress, accessToken },
    })
    const sent = await transport.sendMail({ from: fromAddress, to: toAddress, subject, text: content })
    transport.close()
    return { status: 200, body: JSON.stringify({ status: { code: 200 }, data: { messageId: sent.messageId } }) }
  }

  /** Google takes the statement of the service account; the token is got for the person that it names. */
  async function actFor(form: URLSearchParams): Promise<{ status: number; body: string }> {
    const { payload } = await jwtVerify(form.get('assertion') ?? '', key.publicKey, { issuer: serviceAccount.client_email!, audience: `${url}/google/token` })
    actedFor.push(payload.sub ?? '')
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'client-rs256' })
      .setIssuer('delegate')
      .setSubject((payload.sub ?? '').split('@')[0]!)
      .setAudience(`${rig.issuer}/token`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(await importPKCS8(rig.clientKeys.rs256, 'RS256'))
    const basic = Buffer.from(`delegate:${clientSecrets.delegate}`).toString('base64')
    const { status, body } = await ask(new URLSearchParams({ grant_type: bearer, assertion, scope: 'smtp.send' }), `Basic ${basic}`)
    return { status, body: status === 200 ? JSON.stringify({ ...JSON.parse(body), scope: payload.scope }) : body }
  }

  async function checkAssertion(assertion: string, audience: string): Promise<void> {
    const { x5t } = decodeProtectedHeader(assertion)
    const pem = certificates.get(x5t ?? '')
    if (pem === undefined) throw new Error('AADSTS700027: the certificate with this identifier is not registered')
    await jwtVerify(assertion, createPublicKey(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' })), { audience, issuer: 'robot-post' })
  }

  const ask = (form: URLSearchParams, authorization: string | undefined) =>
    new Promise<{ status: number; body: string }>((done, fail) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(authorization === undefined ? {} : { authorization }) }
      const call = httpsRequest(`${rig.issuer}/token`, { method: 'POST', headers, ca: rig.ca }, (response) => {
        readBlock(response)
          .then((body) => done({ status: response.statusCode!, body }))
          .catch(fail)
      })
      call.once('error', fail)
      call.end(form.toString())
    })

  const write = (id: string, tls: 'implicit' | 'starttls', change: object) => {
    const entry = JSON.parse(readFileSync(join(catalogue, `${id}.json`), 'utf8')) as { mail?: { smtp: object[] } }
    const server = { host: 'localhost', port: tls === 'implicit' ? rig.submissions.post : rig.submission.post, tls, mechanisms: ['XOAUTH2'] }
    const addresses = {
      authorization_endpoint: `${url}/${id}/auth`,
      token_endpoint: `${url}/${id}/token`,
      device_authorization_endpoint: undefined,
      revocation_endpoint: undefined,
      userinfo_endpoint: `${rig.issuer}/me`,
      jwks_uri: undefined,
      issuer: undefined,
      discovery_url: undefined,
      test_request: undefined,
      grants: (entry as unknown as { grants: string[] }).grants.filter((grant) => grant !== 'device_code'),
      hosts: ['localhost'],
      ...(entry.mail === undefined ? {} : { mail: { smtp: [{ ...entry.mail.smtp[0], ...server }] } }),
      account: { claims: ['email'] },
    }
    writeFileSync(join(folder, `${id}.json`), JSON.stringify({ ...entry, ...addresses, ...change }))
  }
  write('google', 'implicit', {})
  write('microsoft', 'starttls', { token_endpoint: `${url}/microsoft/{tenant}/oauth2/v2.0/token` })
  for (const cloud of ['gcc-high', 'dod', '21vianet']) {
    write(`microsoft-${cloud}`, 'starttls', { token_endpoint: `${url}/microsoft-${cloud}/{tenant}/oauth2/v2.0/token` })
  }
  const byUserInfo = { account: { claims: ['email'], source: 'userinfo', subject: 'sub' } }
  for (const id of ['yahoo', 'fastmail', 'mailru']) write(id, 'implicit', byUserInfo)
  write('zoho', 'implicit', {
    ...byUserInfo,
    hosts: ['localhost', 'mail.zoho.{region}'],
    callback: undefined,
    api: { value: 'Zoho-oauthtoken {access_token}' },
  })
  write('yandex', 'implicit', { account: { claims: ['email'], source: 'userinfo', subject: 'sub' }, grant_types: {} })
  const serviceAccount: Record<string, string> = {
    type: 'service_account',
    private_key_id: 'key-1',
    private_key: String(key.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    client_email: 'robot@night-jobs.iam.gserviceaccount.com',
    client_id: '1234567890',
    token_uri: 'https://oauth2.googleapis.com/token',
  }
  return {
    folder,
    serviceAccount,
    actedFor,
    proofs,
    machineScopes,
    zohoApi: `${url}/zoho-mail`,
    upload: (pem) => void certificates.set(createHash('sha1').update(new X509Certificate(pem).raw).digest('base64url'), pem),
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
