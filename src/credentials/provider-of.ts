import { Problem, type FieldError } from '../base/problem.ts'
import { isProblem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { algorithmOf, readPrivateKey } from '../oauth/client-authentication.ts'
import { parseProvider } from '../providers/catalogue.ts'
import { withPopular } from '../providers/popular.ts'
import { resolveProvider, type ResolvedProvider } from '../providers/provider-resolve.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import type { CredentialContext } from './context.ts'
import type { ClientAuth, CredentialOptions } from './types.ts'

/**
 * Returns the provider of a credential as the registration keeps it: endpoints do not change under a running credential
 * because a catalogue file changed.
 *
 * Invariant: the placeholders of a credential choose a tenant at the registration's servers, never another server. The
 * registration's secret was entered for those and goes nowhere else.
 *
 * @throws Problem invalid_request when they name another server
 */
export function providerOf(
  context: CredentialContext,
  registration: Pick<RegistrationRow, 'id' | 'name' | 'provider_snapshot' | 'placeholders' | 'client_id'>,
  row: Pick<Row<'credentials'>, 'options'> | null,
): ResolvedProvider {
  const { id, name, provider_snapshot: snapshot, placeholders, client_id: clientId } = registration
  const own = row === null ? {} : ((JSON.parse(row.options) as CredentialOptions).placeholders ?? {})
  const known = knownTo(context)
  const key = `${id} ${JSON.stringify(own)}`
  const found = known.get(key)
  // The texts themselves are compared: what changed in the row is seen at once, on every node.
  if (found !== undefined && found.snapshot === snapshot && found.placeholders === placeholders && found.clientId === clientId) return found.provider
  const provider = resolveFor({ name, snapshot, clientId }, JSON.parse(placeholders) as Record<string, string>, own)
  if (known.size >= mostKnown) known.clear()
  known.set(key, { snapshot, placeholders, clientId, provider })
  return provider
}

type Known = Map<string, { snapshot: string; placeholders: string; clientId: string; provider: ResolvedProvider }>

/** Checking a description takes longer than all the rest of a hand-out: what was checked is kept, as long as it is the same. */
const knownByContext = new WeakMap<CredentialContext, Known>()
const mostKnown = 1000

function knownTo(context: CredentialContext): Known {
  let known = knownByContext.get(context)
  if (known === undefined) knownByContext.set(context, (known = new Map()))
  return known
}

type Kept = { name: string; snapshot: string; clientId: string }

function resolveFor({ name, snapshot, clientId }: Kept, base: Record<string, string>, own: Record<string, string>): ResolvedProvider {
  const data = parseProvider(JSON.parse(snapshot), `the provider of "${name}"`)
  if (Object.keys(own).length === 0) return resolveProvider(data, base, clientId)
  const wanted = resolveProvider(data, { ...base, ...own }, clientId)
  const origins = new Set(addressesOf(resolveProvider(data, base)).map((address) => new URL(address).origin))
  const elsewhere = addressesOf(wanted).find((address) => !origins.has(new URL(address).origin))
  if (elsewhere !== undefined) {
    throw new Problem('invalid_request', `The placeholders of the credential lead to ${new URL(elsewhere).host}, which the registration does not name.`, {
      errors: [{ path: 'options.placeholders', message: 'must stay at the servers of the registration' }],
      nextStep: 'Make a registration for that server, with its own client ID and secret.',
    })
  }
  return wanted
}

/** Returns every address that requests for a registration may go to. */
export const addressesOf = (provider: ResolvedProvider): string[] =>
  [
    provider.tokenEndpoint,
    provider.refreshEndpoint,
    provider.authorizationEndpoint,
    provider.pushedRequestEndpoint,
    provider.revocationEndpoint,
    provider.deviceAuthorizationEndpoint,
    provider.userinfoEndpoint,
    provider.jwksUri,
    provider.testRequest?.url,
    provider.data.exchange?.endpoint,
    ...provider.data.lookups.map((lookup) => lookup.url),
  ].filter((address) => address != null)

/** Finds a provider in the catalogue or among the user's own. */
export async function findProvider(context: CredentialContext, id: string): Promise<Provider | null> {
  const known = context.catalogue.get(id)
  if (known) return known
  const row = await context.db.selectFrom('providers').select('definition').where('id', '=', id).executeTakeFirst()
  return row ? parseProvider(JSON.parse(row.definition), `the provider "${id}"`) : null
}

/**
 * Returns a provider as another application uses it, whose client ID is to be used here.
 *
 * Invariant: it is for nothing else: neither for another client ID nor for another provider.
 *
 * @throws Problem not_allowed where the settings do not allow it, not_found, invalid_request
 */
export async function popularProvider(context: CredentialContext, input: { provider: string; clientId: string; popular: string }): Promise<Provider> {
  if (context.popular === null) {
    throw new Problem('not_allowed', 'Popular configurations are switched off here.', {
      nextStep: 'Register an application of your own, or set KEYBEARER_POPULAR_CONFIGURATIONS to true.',
    })
  }
  const found = context.popular.find((one) => one.id === input.popular)
  if (!found) throw new Problem('not_found', `There is no popular configuration "${input.popular.slice(0, 100)}".`)
  const errors = [
    ...(found.provider === input.provider ? [] : [{ path: 'provider', message: `must be ${found.provider}` }]),
    ...(found.client_id === input.clientId.trim() ? [] : [{ path: 'client_id', message: `must be ${found.client_id}` }]),
  ]
  if (errors.length > 0) throw new Problem('invalid_request', `The configuration of ${found.app} is for its own client only.`, { errors })
  const provider = await findProvider(context, found.provider)
  if (!provider) throw new Problem('not_found', `There is no provider "${found.provider}".`)
  return withPopular(provider, found)
}

/** Returns what a new registration keeps of its provider. @throws Problem not_found, invalid_request */
export async function describeProvider(
  context: CredentialContext,
  id: string,
  placeholders: Record<string, string>,
  given?: Provider,
): Promise<{ snapshot: string; clientAuths: ClientAuth[]; resolved: ResolvedProvider }> {
  const provider = given ?? (await findProvider(context, id))
  if (!provider)
    throw new Problem('not_found', `There is no provider "${id.slice(0, 100)}".`, { nextStep: 'See "keybearer providers", or make one of your own.' })
  return { snapshot: JSON.stringify(provider), clientAuths: provider.client_auth, resolved: resolveProvider(provider, placeholders) }
}

/** Returns the hosts that tokens of a provider may be sent to, its own endpoints included. */
export function providerHosts(context: CredentialContext, registration: RegistrationRow, placeholders: Record<string, string> | undefined): string[] {
  const provider = providerOf(context, registration, { options: JSON.stringify({ placeholders: placeholders ?? {} }) })
  const lookups = provider.data.lookups.map((lookup) => lookup.url)
  const own = [provider.userinfoEndpoint, provider.testRequest?.url, ...lookups].filter((url): url is string => url != null).map((url) => new URL(url).host)
  const mail = [...(provider.data.mail?.smtp ?? []), ...(provider.data.mail?.imap ?? []), ...(provider.data.mail?.pop ?? [])].map((server) => server.host)
  return [...new Set([...provider.data.hosts, ...mail, ...own])]
}

/** Returns what is wrong with a private key. */
export function checkPrivateKey(key: Secret): FieldError[] {
  try {
    algorithmOf(readPrivateKey(key))
    return []
  } catch (error) {
    if (!isProblem(error)) throw error
    return [{ path: 'private_key', message: error.message }]
  }
}
