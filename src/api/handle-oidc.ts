import { isProblem, Problem } from '../base/problem.ts'
import type { Call, HandlersOf } from './call.ts'
import { pageHeaders, signInFailedPage } from './pages.ts'
import { toProblem } from './problem-reply.ts'
import type { Services } from './services.ts'
import { signInFrom, type SessionAnswers } from './session-answers.ts'
import { readCookie } from './session-cookie.ts'

type Ids = 'beginSignIn' | 'finishSignIn'

/** As long as a challenge is open. */
const seconds = 300

export function oidcHandlers({ oidc, log, facts }: Pick<Services, 'oidc' | 'log' | 'facts'>, answers: SessionAnswers): HandlersOf<Ids> {
  const secure = facts.publicUrl.startsWith('https://')
  const name = `${secure ? '__Host-' : ''}keybearer_sign_in`
  // `Lax`: the browser comes back by a link of another site.
  const cookie = (value: string, life: number) => `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${life}${secure ? '; Secure' : ''}`

  const setUp = () => {
    if (oidc === null) throw new Problem('not_found', 'Signing in at an OpenID provider is not set up here.')
    return oidc
  }
  /** What somebody at a browser is told: a page, and no JSON. */
  const failed = (error: unknown, { requestId }: Pick<Call, 'requestId'>) => {
    const problem = toProblem(error)
    if (!isProblem(error) || isProblem(error, 'sign_in_failed')) log.warn('sign_in.failed', { request_id: requestId, error: problem.cause ?? error })
    return { text: signInFailedPage(problem, requestId), status: problem.status, headers: pageHeaders }
  }
  return {
    async beginSignIn(call) {
      if (call.isHead) return { text: '', status: 200, headers: pageHeaders }
      try {
        const { url, proof } = await setUp().begin({ again: call.query.again === true, address: call.address })
        return { text: '', headers: { ...pageHeaders, location: url, 'set-cookie': cookie(proof.reveal(), seconds) } }
      } catch (error) {
        return failed(error, call)
      }
    },
    async finishSignIn(call) {
      // A program that only looks, such as a link checker, must not use the answer up.
      if (call.isHead) return { text: '', status: 200, headers: pageHeaders }
      try {
        const outcome = await setUp().finish(new URLSearchParams(call.rawQuery), readCookie(call.cookies ?? '', name), signInFrom(call))
        if (outcome.kind === 'refused')
          throw await answers.refused(
            call.address,
            outcome,
            'Nobody has invited this account.',
            'Ask an administrator to invite you by the name that the provider tells.',
          )
        const { headers } = await answers.entered(outcome.token, call.address)
        return { text: '', headers: { ...pageHeaders, ...headers, location: '/' } }
      } catch (error) {
        return failed(error, call)
      }
    },
  }
}
