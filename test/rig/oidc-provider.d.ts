// The parts of oidc-provider that the tests and the demo use; the package brings no types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export type Context = {
    path: string
    method: string
    status: number
    body: unknown
    oidc?: { params?: Record<string, string | undefined>; client?: Client; entities?: Record<string, unknown> }
  }
  export type Client = { clientId: string; grantTypeAllowed: (grant: string) => boolean; redirectUriAllowed: (uri: string) => boolean } & Record<
    string,
    unknown
  >
  export type Grant = {
    addOIDCScope(scope: string): void
    addOIDCClaims(claims: string[]): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
  type Details = {
    uid: string
    prompt: { name: string; details: { missingOIDCScope?: string[]; missingOIDCClaims?: string[]; missingResourceScopes?: Record<string, string[]> } }
    params: Record<string, string>
    session?: { accountId: string }
    grantId?: string
  }
  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void
    on(event: string, listener: (...args: unknown[]) => void): void
    registerGrantType(name: string, handler: (context: Context) => Promise<void>, parameters: string[]): void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Details>
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object, options?: object): Promise<void>
    Grant: { new (claims: { accountId: string; clientId: string }): Grant; find(id: string): Promise<Grant | undefined> }
    AccessToken: { new (claims: Record<string, unknown>): { save(): Promise<string>; expiration: number } }
    RefreshToken: { new (claims: Record<string, unknown>): { save(): Promise<string> } }
    Client: { prototype: Client; find(id: string): Promise<Client | undefined> }
  }
  export const errors: { InvalidRequest: new (message: string) => Error; InvalidGrant: new (message: string) => Error }
}
