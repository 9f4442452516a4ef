import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { named, ref, time, word, diagnosisSchema } from './schemas.ts'

const consent = z
  .object({
    id: z.string(),
    credential: named,
    mode: z.enum(['browser', 'link', 'paste', 'device']),
    status: z.enum(['waiting', 'exchanging', 'done', 'failed', 'expired']),
    authorization_url: z.string().nullable().meta({ description: 'Only in the answer to the start, never again' }),
    link: z.string().nullable().meta({ description: 'The link to send to somebody: only in the answer to the start, never again' }),
    user_code: z.string().nullable(),
    verification_uri: z.string().nullable(),
    verification_uri_complete: z.string().nullable(),
    interval: z.int().meta({ description: 'Seconds to wait between two looks' }),
    expires_at: time,
    problem: z.object({ code: z.string(), detail: z.string(), next_step: z.string(), diagnosis: diagnosisSchema.nullable() }).nullable(),
  })
  .meta({ id: 'Consent', description: 'One attempt of a person to authorize a credential' })

const params = z.strictObject({ consent: word(100).meta({ description: 'Id of the consent' }) })

const linkParams = z.strictObject({ link: word(100) })

export const consentEndpoints = [
  endpoint({
    id: 'startConsent',
    method: 'POST',
    path: '/v1/credentials/{credential}/consent',
    tag: 'Consents',
    summary: 'Starts a consent and says where the person has to go.',
    description:
      'browser: the address opens once, and only the browser that opened it can finish. link: for somebody else, who needs no sign-in here; it works once, for seven days. paste: the person gives the address back by hand. device: the person enters a code elsewhere.',
    permission: { administration: 'manage' },
    audit: 'consent.started',
    params: z.strictObject({ credential: ref('credential') }),
    body: z
      .strictObject({
        mode: z.enum(['browser', 'link', 'paste', 'device']),
        allow_other_account: z.boolean().optional().meta({ description: 'Accept another account than the one connected before' }),
      })
      .meta({ id: 'ConsentStart' }),
    status: 201,
    kind: 'json',
    reply: consent,
    noStore: true,
    problems: ['wrong_kind', 'paused', 'misconfigured', 'provider_unavailable', 'outgoing_failed'],
  }),
  endpoint({
    id: 'getConsent',
    method: 'GET',
    path: '/v1/consents/{consent}',
    tag: 'Consents',
    summary: 'Shows how far a consent is.',
    permission: { administration: 'manage' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: consent,
    noStore: true,
  }),
  endpoint({
    id: 'answerConsent',
    method: 'POST',
    path: '/v1/consents/{consent}/response',
    tag: 'Consents',
    summary: "Takes the address that the person's browser was sent to.",
    permission: { administration: 'manage' },
    audit: 'credential.connected',
    params,
    body: z
      .strictObject({ redirect_url: word(20_000).meta({ description: 'The whole address, as it stands in the address bar', writeOnly: true }) })
      .meta({ id: 'ConsentAnswer' }),
    status: 200,
    kind: 'json',
    reply: consent,
    noStore: true,
    problems: [
      'consent_unknown',
      'consent_expired',
      'consent_used',
      'consent_denied',
      'consent_issuer_mismatch',
      'consent_malformed',
      'consent_failed',
      'account_mismatch',
      'wrong_kind',
    ],
  }),
  endpoint({
    id: 'beginConsent',
    method: 'GET',
    path: '/oauth/start/{ticket}',
    tag: 'Consents',
    summary: 'Begins a consent in this browser and sends it on to the provider.',
    description: 'It works once. The browser gets a cookie, and only with that cookie is the answer of the provider taken.',
    permission: 'public',
    audit: 'consent.opened',
    params: z.strictObject({ ticket: word(100) }),
    status: 303,
    kind: 'html',
    noStore: true,
  }),
  endpoint({
    id: 'showConnectLink',
    method: 'GET',
    path: '/connect/{link}',
    tag: 'Consents',
    summary: 'Shows somebody who was sent a link what he is asked for.',
    permission: 'public',
    audit: null,
    params: linkParams,
    status: 200,
    kind: 'html',
    noStore: true,
  }),
  endpoint({
    id: 'followConnectLink',
    method: 'POST',
    path: '/connect/{link}',
    tag: 'Consents',
    summary: 'Begins the consent of a link in this browser.',
    description: 'Answers with a page that goes on to the provider by itself.',
    permission: 'public',
    audit: 'consent.opened',
    params: linkParams,
    status: 200,
    kind: 'html',
    noStore: true,
  }),
] as const
