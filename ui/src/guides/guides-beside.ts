import type { Credential, Provider } from '@keybearer/client'
import type { StepName } from '../wizard/draft-errors.ts'

/** A guide, opened at one of its sections. */
export type Beside = { guide: string; section: string | null }

/** What is asked for: where one is, and as much as is known of what is made there. */
export type Scene = {
  kind: Credential['kind']
  /** Null: wherever one is. */ step: StepName | null
  provider: Pick<Provider, 'id' | 'guides'> | null
  grant: Credential['grant']
  /** Null: not known yet. */ clientAuth: string | null
  popular?: boolean
}

const passwords = 'yahoo-fastmail-yandex-mailru-zoho'
const page = (guide: string, section: string | null = null): Beside => ({ guide, section })

/** Names the guides that help there, the nearest first: the provider's description says which. */
export function guidesBeside(scene: Scene): Beside[] {
  if (scene.kind === 'api_key') return [page('requests-without-a-token'), page('scripts-that-need-a-token')]
  if (scene.kind === 'basic') return [page(passwords, 'with-an-app-password'), page('basic-authentication-ends')]
  const popular = scene.popular === true ? [page('popular-configurations')] : []
  const own = (scene.provider?.guides ?? []).filter(
    (one) =>
      (scene.step === null || one.steps.includes(scene.step)) &&
      // Before it is chosen how tokens are got, every way has its guide.
      (one.grants === undefined || scene.step === 'what' || (scene.grant !== null && one.grants.includes(scene.grant))) &&
      (one.client_auth === undefined || scene.clientAuth === null || (one.client_auth as string[]).includes(scene.clientAuth)),
  )
  const found = own.length > 0 ? own.map((one) => page(one.guide, one.section ?? null)) : general(scene)
  const all = [...popular, ...found]
  return all.filter((one, index) => all.findIndex((other) => other.guide === one.guide) === index)
}

/** Where no description says anything. */
function general({ step, provider }: Scene): Beside[] {
  if (provider === null) return [page('first-credential'), page('any-provider')]
  switch (step) {
    case 'client':
      return [page('any-provider', provider.id === 'generic' ? 'with-the-addresses-from-its-documentation' : null)]
    case 'name':
    case 'test':
      return [page('any-provider', 'test'), page('when-something-fails')]
    case 'what':
    case 'scopes':
    case 'consent':
    case null:
      return [page('any-provider')]
  }
}
