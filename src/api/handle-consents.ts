import { isProblem } from '../base/problem.ts'
import { toProblem } from './problem-reply.ts'
import type { HandlersOf } from './call.ts'
import { readResult, signResult } from './consent-result.ts'
import { consentPage, oldPage, pageHeaders, type ConsentEnd } from './pages.ts'
import type { Refusals } from './refusals.ts'
import type { Services } from './services.ts'
import { consentBody } from './views-credentials.ts'

type Ids = 'startConsent' | 'getConsent' | 'answerConsent' | 'finishConsent' | 'showConsentResult'

export function consentHandlers({ consents, clock, log, pageKey }: Services, refusals: Refusals): HandlersOf<Ids> {
  return {
    async startConsent({ params, body, actor }) {
      const view = await consents.start(params.credential, { mode: body.mode, allowOtherAccount: body.allow_other_account ?? false }, actor)
      return { body: consentBody(view), headers: { location: `/v1/consents/${view.id}` } }
    },
    async getConsent({ params }) {
      return { body: consentBody(await consents.get(params.consent)) }
    },
    async answerConsent({ params, body, actor }) {
      return { body: consentBody(await consents.respond(params.consent, body.redirect_url, actor)) }
    },
    async finishConsent({ params, rawQuery, isHead, actor, requestId }) {
      // A program that only looks, such as a link checker, must not use the code up.
      if (isHead) return { text: '', status: 200, headers: pageHeaders }
      let end: ConsentEnd
      try {
        const { credential, missingScopes } = await consents.callback(params.registration, new URLSearchParams(rawQuery))
        end = { ok: true, credential: credential.name, missing: missingScopes.join(' ').slice(0, 500) }
      } catch (error) {
        const problem = toProblem(error)
        if (!isProblem(error)) log.error('consent.failed', { request_id: requestId, error })
        await refusals.record({
          actor,
          action: 'consent.failed',
          outcome: 'refused',
          reason: problem.code,
          detail: { registration: params.registration.slice(0, 60) },
        })
        end = { ok: false, code: problem.code, title: problem.title, detail: problem.message, nextStep: problem.nextStep, requestId }
      }
      return { text: '', headers: { ...pageHeaders, location: `/oauth/result/${signResult(pageKey, end, clock.now())}` } }
    },
    async showConsentResult({ params }) {
      const end = readResult(pageKey, params.result, clock.now())
      if (end === null) return { text: oldPage(), status: 404, headers: pageHeaders }
      return { text: consentPage(end), status: end.ok ? 200 : 400, headers: pageHeaders }
    },
  }
}
