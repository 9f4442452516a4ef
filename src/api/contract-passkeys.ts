import { z } from 'zod'
import { session } from './contract-sessions.ts'
import { endpoint } from './endpoint.ts'
import { optionalTime, time, word } from './schemas.ts'

const passkey = z
  .object({ id: z.string(), name: z.string(), created_at: time, last_used_at: optionalTime })
  .meta({ id: 'Passkey', description: 'What a person signs in with instead of a password' })

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]*$/, 'must be base64url')
const challengeId = word(100)
const known = z.object({ id: z.string(), type: z.string(), transports: z.array(z.string()).optional() })
const verification = z.enum(['required', 'preferred', 'discouraged'])

/** What the browser is asked for, as `parseRequestOptionsFromJSON` takes it. */
const requestOptions = z
  .object({
    challenge: z.string(),
    rpId: z.string().optional(),
    timeout: z.number().optional(),
    userVerification: verification.optional(),
    allowCredentials: z.array(known).optional(),
  })
  .meta({ id: 'PasskeyRequestOptions' })

/** What the browser is asked for, as `parseCreationOptionsFromJSON` takes it. */
const creationOptions = z
  .object({
    challenge: z.string(),
    rp: z.object({ id: z.string().optional(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.object({ alg: z.number(), type: z.literal('public-key') })),
    timeout: z.number().optional(),
    attestation: z.enum(['none', 'indirect', 'direct', 'enterprise']).optional(),
    excludeCredentials: z.array(known).optional(),
    authenticatorSelection: z
      .object({ residentKey: verification.optional(), requireResidentKey: z.boolean().optional(), userVerification: verification.optional() })
      .optional(),
  })
  .meta({ id: 'PasskeyCreationOptions' })

/** What the browser answers: the same frame for both, see `PublicKeyCredential.toJSON`. */
const answer = <Response extends z.ZodType>(response: Response) =>
  z.strictObject({
    id: base64url(2000).min(1),
    rawId: base64url(2000).min(1),
    type: z.literal('public-key'),
    authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
    clientExtensionResults: z.record(z.string(), z.unknown()),
    response,
  })

const assertion = answer(
  z.strictObject({ clientDataJSON: base64url(8000), authenticatorData: base64url(8000), signature: base64url(16_000), userHandle: base64url(200).optional() }),
).meta({ id: 'PasskeyAssertion' })

const attestation = answer(
  z.strictObject({
    clientDataJSON: base64url(8000),
    attestationObject: base64url(64_000),
    authenticatorData: base64url(64_000).optional(),
    transports: z.array(word(50)).max(20).optional(),
    publicKeyAlgorithm: z.int().optional(),
    publicKey: base64url(16_000).optional(),
  }),
).meta({ id: 'PasskeyAttestation' })

export const passkeyEndpoints = [
  endpoint({
    id: 'challengePasskey',
    method: 'POST',
    path: '/v1/session/passkey/challenge',
    tag: 'Persons',
    summary: 'Begins a sign-in by a passkey; with a session, the proof that it still is the same person.',
    permission: 'public',
    audit: null,
    body: z.strictObject({}).meta({ id: 'PasskeyChallengeOrder' }),
    status: 200,
    kind: 'json',
    reply: z.object({ challenge_id: z.string(), options: requestOptions }).meta({ id: 'PasskeyChallenge' }),
    noStore: true,
    problems: ['passkey_unavailable', 'rate_limited'],
  }),
  endpoint({
    id: 'signInWithPasskey',
    method: 'POST',
    path: '/v1/session/passkey',
    tag: 'Persons',
    summary: 'Signs in by a passkey; with a session, that session counts as fresh again.',
    permission: 'public',
    audit: 'person.signed_in',
    body: z.strictObject({ challenge_id: challengeId, response: assertion }).meta({ id: 'PasskeySignIn' }),
    status: 200,
    kind: 'json',
    reply: session,
    noStore: true,
    problems: ['sign_in_refused', 'passkey_unavailable', 'rate_limited'],
  }),
  endpoint({
    id: 'listPasskeys',
    method: 'GET',
    path: '/v1/passkeys',
    tag: 'Persons',
    summary: 'Lists the passkeys of the signed-in person.',
    permission: 'person',
    audit: null,
    status: 200,
    kind: 'json',
    reply: z.object({ items: z.array(passkey), next: z.null() }).meta({ id: 'Passkeys' }),
  }),
  endpoint({
    id: 'startPasskey',
    method: 'POST',
    path: '/v1/passkeys/challenge',
    tag: 'Persons',
    summary: 'Begins to add a passkey.',
    permission: 'person',
    fresh: true,
    audit: null,
    body: z.strictObject({}).meta({ id: 'NewPasskeyOrder' }),
    status: 200,
    kind: 'json',
    reply: z.object({ challenge_id: z.string(), options: creationOptions }).meta({ id: 'NewPasskeyChallenge' }),
    noStore: true,
    problems: ['passkey_unavailable', 'passkey_refused', 'rate_limited'],
  }),
  endpoint({
    id: 'addPasskey',
    method: 'POST',
    path: '/v1/passkeys',
    tag: 'Persons',
    summary: 'Adds what the browser made for the challenge, within five minutes and in the same session.',
    permission: 'person',
    audit: 'person.passkey_added',
    body: z.strictObject({ challenge_id: challengeId, response: attestation, name: word(100) }).meta({ id: 'NewPasskey' }),
    status: 201,
    kind: 'json',
    reply: passkey,
    problems: ['passkey_unavailable', 'passkey_refused'],
  }),
  endpoint({
    id: 'removePasskey',
    method: 'DELETE',
    path: '/v1/passkeys/{passkey}',
    tag: 'Persons',
    summary: 'Removes a passkey; all other sessions of the person end.',
    permission: 'person',
    fresh: true,
    audit: 'person.passkey_removed',
    params: z.strictObject({ passkey: word(100).meta({ description: 'Id of the passkey' }) }),
    status: 204,
    kind: 'nothing',
  }),
] as const
