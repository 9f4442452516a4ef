import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { PasskeyView } from '../access/passkeys.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { signInFrom, type SessionAnswers } from './session-answers.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

type Ids = 'challengePasskey' | 'signInWithPasskey' | 'listPasskeys' | 'startPasskey' | 'addPasskey' | 'removePasskey'

export function passkeyHandlers({ passkeys }: Pick<Services, 'passkeys'>, answers: SessionAnswers): HandlersOf<Ids> {
  return {
    async challengePasskey(call) {
      const { challengeId, options } = await passkeys.startSignIn(await answers.personOf(call), call.address)
      return { body: { challenge_id: challengeId, options } }
    },
    async signInWithPasskey(call) {
      const { challenge_id, response } = call.body
      const input = { challengeId: challenge_id, response: response as AuthenticationResponseJSON, person: await answers.personOf(call) }
      const outcome = await passkeys.signIn(input, signInFrom(call))
      if (outcome.kind === 'signed_in') return await answers.entered(outcome.token, call.address)
      if (outcome.kind === 'confirmed') return await answers.renewed(call)
      throw await answers.refused(call.address, outcome, 'This passkey signs nobody in here.', 'Use another passkey, or the password.')
    },
    async listPasskeys({ caller }) {
      return { body: { items: (await passkeys.list(caller.person!.id)).map(passkeyBody), next: null } }
    },
    async startPasskey({ caller, address }) {
      const { challengeId, options } = await passkeys.startAdding(caller.person!, address)
      return { body: { challenge_id: challengeId, options } }
    },
    async addPasskey({ caller, actor, body }) {
      const input = { challengeId: body.challenge_id, response: body.response as RegistrationResponseJSON, name: body.name }
      return { body: passkeyBody(await passkeys.add(caller.person!, input, actor)) }
    },
    async removePasskey({ caller, actor, params }) {
      await passkeys.remove(caller.person!, params.passkey, actor)
      return {}
    },
  }
}

const passkeyBody = (view: PasskeyView): Reply<'addPasskey'> => ({
  id: view.id,
  name: view.name,
  created_at: iso(view.createdAt),
  last_used_at: isoOrNull(view.lastUsedAt),
})
