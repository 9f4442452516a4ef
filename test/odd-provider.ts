import assert from 'node:assert/strict'
import { Secret } from '../src/base/secret.ts'
import type { ClientAuth, HandedOut } from '../src/credentials/types.ts'
import { parseProvider } from '../src/providers/catalogue.ts'
import type { ProviderInput } from '../src/providers/provider-schema.ts'
import { makeJar } from './consent-jar.ts'
import { makePlace, openWorld, startFakeProvider, tester, type Answer, type FakeProvider, type SeenRequest, type World } from './world.ts'

/** How a provider differs from the RFCs, and a server that behaves so. */
export type Way = {
  change?: (url: string) => Partial<ProviderInput>
  clientAuth?: ClientAuth
  scopes?: string[]
  placeholders?: Record<string, string>
  /** What the provider adds to the address that it sends the browser back to. */
  callback?: (asked: URL) => Record<string, string>
  token?: (request: SeenRequest) => Answer
  refresh?: (request: SeenRequest) => Answer
  elsewhere?: (request: SeenRequest) => Answer
}

export const tokens = (n: string) => ({ access_token: `at-${n}`, token_type: 'Bearer', expires_in: 3600, refresh_token: `rt-${n}` })
export const isGiven = (handed: HandedOut, token: string) => assert.equal(handed.accessToken.reveal(), token)
export const refused = (what: string): Answer => ({ status: 400, body: { error: 'invalid_request', error_description: what } })

type Made = { id: string; name: string; provider: string; registration: string }

export type OddWorld = {
  world: World
  /** The server of the last provider that was made. */
  fake: () => FakeProvider
  arrange: (way: Way) => Promise<Made>
  connect: (made: Pick<Made, 'name' | 'registration'>, way: Way) => Promise<URL>
  liveThrough: (way: Way) => Promise<{ asked: URL; first: HandedOut; second: HandedOut; id: string; requests: SeenRequest[] }>
  /** Stops the server of the last provider. */
  calm: () => Promise<void>
  close: () => Promise<void>
}

/** Opens a world for providers that behave in ways of their own, one after the other. */
export async function openOddWorld(): Promise<OddWorld> {
  const place = await makePlace('sqlite')
  const world = await openWorld(place)
  let fake: FakeProvider | null = null
  let n = 0

  /** Makes a provider with this peculiarity, a registration and a credential over it. */
  async function arrange(way: Way): Promise<Made> {
    n += 1
    const server = await startFakeProvider()
    fake = server
    const provider = `odd${n}`
    const description: ProviderInput = {
      id: provider,
      version: 1,
      name: 'Odd',
      authorization_endpoint: `${server.url}/authorize`,
      token_endpoint: `${server.url}/token`,
      grants: ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer'],
      device_authorization_endpoint: `${server.url}/device`,
      client_auth: ['client_secret_post', 'client_secret_basic', 'none'],
      hosts: ['127.0.0.1'],
      ...way.change?.(server.url),
    }
    await world.providers.create(parseProvider(description, 'the test'), tester)
    server.answer = (request) => {
      const { pathname } = new URL(request.path, server.url)
      const isRefresh =
        pathname === '/refresh' || request.body.includes('rt-') || request.path.includes('=rt-') || (request.headers.authorization ?? '').includes('rt-')
      if (pathname === '/token' && !isRefresh) return way.token?.(request) ?? { body: tokens('1') }
      if (pathname === '/token' || pathname === '/refresh') return way.refresh?.(request) ?? { body: tokens('2') }
      return way.elsewhere?.(request) ?? { status: 404, body: {} }
    }
    const made = await world.credentials.create(
      {
        name: `c${n}`,
        kind: 'oauth2',
        grant: 'authorization_code',
        scopes: way.scopes ?? ['read', 'write'],
        registration: {
          name: `r${n}`,
          provider,
          clientId: 'client-1',
          clientAuth: way.clientAuth ?? 'client_secret_post',
          ...(way.clientAuth === 'none' ? {} : { clientSecret: new Secret('s3cret') }),
          ...(way.placeholders ? { placeholders: way.placeholders } : {}),
        },
      },
      tester,
    )
    return { id: made.id, name: made.name, provider, registration: made.registration!.id }
  }

  /** Connects, hands out, renews, and hands out again, as a person and a job do. */
  async function liveThrough(way: Way): Promise<{ asked: URL; first: HandedOut; second: HandedOut; id: string; requests: SeenRequest[] }> {
    const made = await arrange(way)
    const asked = await connect(made, way)
    const first = await world.credentials.handOut(made.id, { purpose: 'token', actor: tester })
    await world.credentials.refresh(made.id, tester)
    const second = await world.credentials.handOut(made.id, { purpose: 'token', actor: tester })
    return { asked, first, second, id: made.id, requests: fake!.seen }
  }

  async function connect(made: { name: string; registration: string }, way: Way): Promise<URL> {
    const consent = await world.consents.start(made.name, { mode: 'browser' }, tester)
    const jar = makeJar()
    const asked = await jar.open(world, consent)
    const query = way.callback?.(asked) ?? { code: 'CODE' }
    await world.consents.callback(made.registration, new URLSearchParams({ ...query, state: asked.searchParams.get('state')! }), jar)
    return asked
  }

  return {
    world,
    fake: () => fake!,
    arrange,
    connect,
    liveThrough,
    async calm() {
      await fake?.close()
      fake = null
    },
    async close() {
      await world.close()
      await place.remove()
    },
  }
}
