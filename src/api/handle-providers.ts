import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import type { PasswordMail } from '../providers/password-mail.ts'
import type { Services } from './services.ts'
import { popularBody, providerBody, providerSummary } from './views-service.ts'
import { withoutUndefined } from './views.ts'

type Ids =
  | 'listPopularConfigurations'
  | 'listProviders'
  | 'detectProvider'
  | 'createProvider'
  | 'getProvider'
  | 'replaceProvider'
  | 'deleteProvider'
  | 'discoverProvider'

export function providerHandlers({ providers }: Pick<Services, 'providers'>): HandlersOf<Ids> {
  return {
    async listPopularConfigurations() {
      const popular = providers.popular()
      return { body: { enabled: popular !== null, items: (popular ?? []).map(popularBody) } }
    },
    async listProviders({ query }) {
      const { items, next } = await providers.list(withoutUndefined(query))
      return { body: { items: items.map(providerSummary), next } }
    },
    async detectProvider({ params, query }) {
      const { domain, proposals, exchangers, passwordMail } = await providers.detect(params.domain, query.look_up ?? false)
      const items = proposals.map(({ provider, by }) => ({ provider: providerSummary(provider), by }))
      return { body: { domain, items, mail_exchangers: exchangers, password_mail: passwordMail && passwordMailBody(passwordMail) } }
    },
    async createProvider({ body, actor }) {
      const view = await providers.create(body, actor)
      return { body: providerBody(view), headers: { location: `/v1/providers/${view.description.id}` } }
    },
    async getProvider({ params }) {
      return { body: providerBody(await providers.get(params.provider)) }
    },
    async replaceProvider({ params, body, actor }) {
      if (body.id !== params.provider) {
        throw new Problem('invalid_request', 'The id in the description is not the one in the address.', {
          errors: [{ path: 'id', message: `must be ${params.provider}` }],
        })
      }
      return { body: providerBody(await providers.replace(params.provider, body, actor)) }
    },
    async deleteProvider({ params, actor }) {
      await providers.delete(params.provider, actor)
      return {}
    },
    async discoverProvider({ body, actor }) {
      const { issuer, id, name } = body
      const found = await providers.discover({ issuer, ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) }, actor)
      return { body: found }
    },
  }
}

const passwordMailBody = ({ name, host, port, tls, login, password }: PasswordMail) => ({ name, host, port, tls, login, password })
