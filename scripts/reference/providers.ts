import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openCatalogue } from '../../src/providers/catalogue.ts'
import type { Provider } from '../../src/providers/provider-schema.ts'
import { anchorOf, code, codes, fence, link, page, prose, table } from './markdown.ts'

const folder = join(import.meta.dirname, '..', '..', 'providers')

export function makeProvidersPage(): string {
  const providers = openCatalogue([folder]).list()
  return page(
    'the files in providers/',
    'Providers',
    `Keybearer knows ${providers.length} providers by itself: their addresses, what they want different from the standard, how long their tokens live, and which mail servers take them. Any other OAuth 2.0 provider works, too: by its issuer address, or by a file of your own.`,
    fence(
      'sh',
      'keybearer providers\nkeybearer providers show google\nkeybearer providers discover https://login.example.org > example.json\nkeybearer providers add example.json',
    ),
    `A file of your own has the form of those in the folder ${code('providers/')}, which ${link(code('schema.json'), '../../providers/schema.json')} describes; editors that know JSON Schema help while it is written. Add it by the last line above, or name a folder of such files by [\`KEYBEARER_PROVIDERS\`](settings.md#keybearer_providers).`,
    table(
      ['Provider', 'Id', 'Without a person', 'With a person', 'Mail by SMTP'],
      providers.map((one) => [
        hasMore(one) ? link(prose(one.name), `#${anchorOf(one.name)}`) : one.docs_url ? link(prose(one.name), one.docs_url) : prose(one.name),
        code(one.id),
        grants(one, ['client_credentials', 'jwt_bearer']),
        grants(one, ['authorization_code', 'device_code']),
        codes([...new Set((one.mail?.smtp ?? []).map(({ host }) => host))]) || '–',
      ]),
    ),
    providers.filter(hasMore).flatMap(section),
  )
}

/** Returns the ids of the catalogue, for whoever checks the page against it. */
export const catalogueIds = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'schema.json' && name !== 'index.json')
    .map((name) => name.slice(0, -'.json'.length))

/** Whether there is more to say of a provider than where it is. */
const hasMore = (provider: Provider) => provider.scope_sets.length > 0 || provider.mail !== undefined || provider.notes !== undefined

const grants = (provider: Provider, some: Provider['grants']) => codes(provider.grants.filter((grant) => some.includes(grant))) || '–'

function section(provider: Provider): string[] {
  const placeholders = Object.entries(provider.placeholders)
  const servers = Object.entries(provider.mail ?? {}).flatMap(([kind, list]) => list.map((server) => ({ kind, ...server })))
  const remarks = [
    ...provider.lifetimes.remarks,
    ...(provider.offline_hint ? [provider.offline_hint] : []),
    ...(provider.revocation_hint ? [provider.revocation_hint] : []),
  ]
  return [
    `## ${provider.name}`,
    [
      ...(provider.notes ? [provider.notes] : []),
      `Id ${code(provider.id)}. Client authentication: ${codes(provider.client_auth)}.`,
      ...(provider.docs_url ? [`${link('Documentation of the provider', provider.docs_url)}.`] : []),
      ...(provider.console_url ? [`${link('Where registrations are made', provider.console_url)}.`] : []),
    ].join(' '),
    ...(placeholders.length === 0
      ? []
      : [
          table(
            ['Placeholder', 'What it is', 'Example', 'Default'],
            placeholders.map(([name, one]) => [
              code(name),
              prose(`${one.title}. ${one.meaning}${one.where ? ` Found at: ${one.where}.` : ''}`),
              code(one.example),
              one.default ? code(one.default) : '–',
            ]),
          ),
        ]),
    ...(provider.scope_sets.length === 0
      ? []
      : [
          table(
            ['Purpose', 'Scopes', 'Grants'],
            provider.scope_sets.map((one) => [prose(`${one.title}. ${one.meaning}`), codes(one.scopes), one.grants ? codes(one.grants) : 'any']),
          ),
        ]),
    ...(servers.length === 0
      ? []
      : [
          table(
            ['Mail server', 'For', 'Port', 'TLS', 'Mechanisms'],
            servers.map((one) => [code(one.host), one.kind.toUpperCase(), String(one.port), one.tls, codes(one.mechanisms)]),
          ),
        ]),
    ...(remarks.length === 0 ? [] : [remarks.map((remark) => `- ${prose(remark)}`).join('\n')]),
    ...(provider.redirect_rules.length === 0 ? [] : [`Rules for redirect URIs: ${provider.redirect_rules.map(prose).join('; ')}.`]),
    ...(provider.hosts.length === 0 ? [] : [`Tokens go to these hosts and no others, unless a credential allows more: ${codes(provider.hosts)}.`]),
  ]
}
