import { request } from 'node:http'
import { startAuthorizationServer } from '../test/rig/authorization-server.ts'
import type { ProviderInput } from '../src/providers/provider-schema.ts'
import { startMailSink } from './mail-sink.ts'

export type Demo = {
  issuer: string
  provider: ProviderInput & { id: string }
  clientId: string
  /** Everybody's mail goes here. */
  mailbox: string
  smtp: { host: string; port: number }
  /** Page that shows the mails. */
  mailUrl: string
  stop: () => Promise<void>
}

const introspector = { id: 'demo-mail-server', secret: 'demo-mail-server-secret-of-no-value' }

/** Starts an authorization server and a mail server on loopback, so that the whole way can be seen without any account. */
export async function startDemo(): Promise<Demo> {
  const mailbox = 'demo@example.org'
  const code = { response_types: ['code'], grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] }
  const server = await startAuthorizationServer({
    title: 'Demo provider',
    people: { demo: mailbox },
    clients: [
      { client_id: 'demo', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'], ...code },
      { client_id: introspector.id, client_secret: introspector.secret, redirect_uris: [], response_types: [], grant_types: [] },
    ],
  })
  const sink = await startMailSink((token) => introspect(server.issuer, token), { smtp: 7425, web: 7426 })
  const at = (path: string) => `${server.issuer}${path}`
  return {
    issuer: server.issuer,
    clientId: 'demo',
    mailbox,
    smtp: { host: '127.0.0.1', port: sink.smtpPort },
    mailUrl: sink.webUrl,
    provider: {
      id: 'demo',
      version: 1,
      name: 'Demo',
      category: 'demo',
      notes: 'A provider of its own on this machine; it forgets everything when it stops.',
      issuer: server.issuer,
      iss_parameter: 'required',
      authorization_endpoint: at('/auth'),
      token_endpoint: at('/token'),
      revocation_endpoint: at('/token/revocation'),
      device_authorization_endpoint: at('/device/auth'),
      userinfo_endpoint: at('/me'),
      jwks_uri: at('/jwks'),
      grants: ['authorization_code', 'device_code'],
      client_auth: ['none'],
      default_scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
      parameters: { authorize: { prompt: 'consent' } },
      hosts: ['127.0.0.1', 'localhost'],
      test_request: { method: 'GET', url: at('/me'), scopes: ['openid'] },
    },
    async stop() {
      await sink.stop()
      await server.stop()
    },
  }
}

function introspect(issuer: string, token: string): Promise<{ active: boolean; username?: string }> {
  return new Promise((done, fail) => {
    const body = new URLSearchParams({ token }).toString()
    const call = request(
      `${issuer}/token/introspection`,
      {
        method: 'POST',
        auth: `${introspector.id}:${introspector.secret}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(body)) },
      },
      (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk
          })
          .on('end', () => done(JSON.parse(text) as { active: boolean }))
      },
    )
    call.on('error', fail)
    call.end(body)
  })
}
