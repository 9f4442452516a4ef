import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { openDesk, type Desk } from './desk.ts'

/** A desk, and an authorization server whose accounts can be connected. */
export type Office = Desk & {
  server: AuthorizationServer
  /** Placeholders of the provider "generic" that lead to the test provider. */
  addresses: Record<string, string>
  /** Makes a credential of a person at the test provider, not connected yet. */
  makeCredential: (name: string, further?: object) => Promise<void>
}

export async function openOffice(options: { settings?: Record<string, string>; server?: AuthorizationServer } = {}): Promise<Office> {
  const server = options.server ?? (await startAuthorizationServer())
  const desk = await openDesk(options.settings === undefined ? {} : { settings: options.settings }).catch(async (error: unknown) => {
    await server.stop()
    throw error
  })
  const addresses = {
    authorization_endpoint: `${server.issuer}/auth`,
    token_endpoint: `${server.issuer}/token`,
    userinfo_endpoint: `${server.issuer}/me`,
    revocation_endpoint: `${server.issuer}/token/revocation`,
    device_authorization_endpoint: `${server.issuer}/device/auth`,
  }
  return {
    ...desk,
    server,
    addresses,
    async makeCredential(name, further = {}) {
      await desk.api('POST', '/v1/credentials', {
        name,
        grant: 'authorization_code',
        scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
        registration: { name: `client of ${name}`.slice(0, 100), provider: 'generic', client_id: 'native', client_auth: 'none', placeholders: addresses },
        options: { authorize_parameters: { prompt: 'consent' } },
        ...further,
      })
    },
    async close() {
      await desk.close()
      await server.stop()
    },
  }
}
