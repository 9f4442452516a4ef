import type { ConsentBrowser } from '../credentials/consent-browser.ts'
import { isProblem } from '../base/problem.ts'
import { explainProblem } from '../credentials/diagnosis.ts'
import type { Call, HandlersOf } from './call.ts'
import { createConsentCookie } from './consent-cookie.ts'
import { readResult, signResult } from './consent-result.ts'
import { connectPage, leavingPage } from './link-pages.ts'
import { consentPage, formHeaders, oldPage, pageHeaders, type ConsentEnd } from './pages.ts'
import { toProblem } from './problem-reply.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Services } from './services.ts'
import { consentBody } from './views-credentials.ts'

type Ids =
  | 'startConsent'
  | 'getConsent'
  | 'listConsents'
  | 'withdrawConsent'
  | 'answerConsent'
  | 'beginConsent'
  | 'showConnectLink'
  | 'followConnectLink'
  | 'finishConsent'
  | 'showConsentResult'

type Visit = Pick<Call, 'session' | 'address' | 'cookies' | 'actor' | 'requestId'>

export function consentHandlers(services: Services, refusals: Refusals): HandlersOf<Ids> {
  const { consents, sessions, clock, log, pageKey } = services
  const cookie = createConsentCookie(services.facts.publicUrl)

  const browserOf = async ({ session, address, cookies }: Visit): Promise<ConsentBrowser> => ({
    address,
    sessionId: session === null ? null : await sessionIdOf(session, address),
    proofOf: (consentId) => cookie.read(cookies, consentId),
  })
  const sessionIdOf = async (session: string, address: string | null): Promise<string | null> => {
    try {
      return (await sessions.authenticate(session, address, { quiet: true })).person?.sessionId ?? null
    } catch (error) {
      if (isProblem(error, 'not_signed_in')) return null
      throw error
    }
  }
  /** Records what a browser could not do, and makes what the person in front of it is told. */
  const failed = async (error: unknown, { actor, requestId }: Visit, detail: Record<string, string>): Promise<Ended> => {
    if (!isProblem(error)) log.error('consent.failed', { request_id: requestId, error })
    const { end, status } = endOf(services.diagnoses, error, requestId)
    // Where the consent is known it is recorded with it.
    if (end.code !== 'consent_wrong_browser') await refusals.record({ actor, action: 'consent.failed', outcome: 'refused', reason: end.code, detail })
    return { end, status }
  }
  const failedPage = async (error: unknown, call: Visit) => {
    const { end, status } = await failed(error, call, {})
    return { text: consentPage(end), status, headers: pageHeaders }
  }

  return {
    async startConsent({ params, body, actor, caller }) {
      const view = await consents.start(
        params.credential,
        { mode: body.mode, allowOtherAccount: body.allow_other_account ?? false, sessionId: caller.person?.sessionId ?? null },
        actor,
      )
      return { body: consentBody(view), headers: { location: `/v1/consents/${view.id}` } }
    },
    async getConsent({ params }) {
      return { body: consentBody(await consents.get(params.consent)) }
    },
    async listConsents({ params }) {
      const found = await consents.waiting(params.credential)
      return { body: { items: found.map(consentBody), next: null } }
    },
    async withdrawConsent({ params, actor }) {
      await consents.withdraw(params.consent, actor)
      return {}
    },
    async answerConsent({ params, body, actor }) {
      return { body: consentBody(await consents.respond(params.consent, body.redirect_url, actor)) }
    },
    async beginConsent(call) {
      // A program that only looks, such as a link checker, must not use it up.
      if (call.isHead) return { text: '', status: 200, headers: pageHeaders }
      try {
        const opened = await consents.open(call.params.ticket, 'browser', await browserOf(call))
        const kept = cookie.set(opened.consentId, opened.proof.reveal(), opened.seconds)
        return { text: '', headers: { ...pageHeaders, 'set-cookie': kept, location: opened.url } }
      } catch (error) {
        return await failedPage(error, call)
      }
    },
    async showConnectLink({ params, requestId }) {
      try {
        return { text: connectPage(await consents.describeLink(params.link)), headers: formHeaders }
      } catch (error) {
        const { end, status } = endOf(services.diagnoses, error, requestId)
        return { text: consentPage(end), status, headers: pageHeaders }
      }
    },
    async followConnectLink(call) {
      try {
        const opened = await consents.open(call.params.link, 'link', await browserOf(call))
        const kept = cookie.set(opened.consentId, opened.proof.reveal(), opened.seconds)
        return { text: leavingPage(opened.provider, opened.url), headers: { ...pageHeaders, 'set-cookie': kept } }
      } catch (error) {
        return await failedPage(error, call)
      }
    },
    async finishConsent(call) {
      const { params, rawQuery, isHead } = call
      if (isHead) return { text: '', status: 200, headers: pageHeaders }
      let end: ConsentEnd
      try {
        const { credential, missingScopes } = await consents.callback(params.registration, new URLSearchParams(rawQuery), await browserOf(call))
        end = { ok: true, credential: credential.name, missing: missingScopes.join(' ').slice(0, 500) }
      } catch (error) {
        const failure = await failed(error, call, { registration: params.registration.slice(0, 60) })
        end = failure.end
        // The address has to be copied: it stays where it is.
        if (isProblem(error, 'consent_to_paste')) return { text: consentPage(end), status: failure.status, headers: pageHeaders }
      }
      const back = await consents.credentialBehind(new URLSearchParams(rawQuery), await browserOf(call))
      return {
        text: '',
        headers: { ...pageHeaders, location: `/oauth/result/${signResult(pageKey, { ...end, ...(back === null ? {} : { back }) }, clock.now())}` },
      }
    },
    async showConsentResult({ params }) {
      const end = readResult(pageKey, params.result, clock.now())
      if (end === null) return { text: oldPage(), status: 404, headers: pageHeaders }
      return { text: consentPage(end), status: end.ok ? 200 : 400, headers: pageHeaders }
    },
  }
}

type Ended = { end: ConsentEnd & { ok: false }; status: number }

function endOf(diagnoses: Services['diagnoses'], error: unknown, requestId: string): Ended {
  const { code, title, message, nextStep, status, diagnosis } = explainProblem(diagnoses, toProblem(error))
  const explained = diagnosis === null ? {} : { meaning: `${diagnosis.title}. ${diagnosis.meaning}`, fix: diagnosis.fix.slice(0, 6) }
  return { end: { ok: false, code, title, detail: message, nextStep, requestId, ...explained }, status }
}
