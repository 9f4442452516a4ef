import { z } from 'zod'
import { stoppedStates } from '../credentials/emergency-stops.ts'
import { credentialKinds, credentialStatuses } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { credentialMatch } from './contract-credential-facts.ts'
import { count, list, named, optionalTime, page, pageQuery, text, time, word } from './schemas.ts'

const { attention: _, created_before: __, unused_since: ___, ...texts } = credentialMatch

const match = z
  .strictObject({
    ...texts,
    status: z.array(z.enum(credentialStatuses)).min(1).max(credentialStatuses.length).optional(),
    kind: z.enum(credentialKinds).optional(),
    created_before: time.optional(),
    unused_since: time.optional().meta({ description: 'Not used since then, and older than that' }),
  })
  .meta({ id: 'CredentialMatch', description: 'Credentials that fit all of it' })

const emergencyStop = z
  .object({
    id: z.string(),
    match,
    revoke: z.boolean(),
    reason: z.string(),
    created_by: named,
    created_at: time,
    undone_at: optionalTime.meta({ description: 'When what it had switched off was switched on again' }),
    total: count,
    counts: z.object(Object.fromEntries(stoppedStates.map((state) => [state, count])) as Record<(typeof stoppedStates)[number], typeof count>),
    done: z.boolean().meta({ description: 'Nothing is under way any more; what was not revoked is left for a person' }),
  })
  .meta({ id: 'EmergencyStop', description: 'A stop of many credentials in one action, and how far it is' })

const stopped = z
  .object({
    credential: named,
    state: z
      .enum(stoppedStates)
      .meta({
        description:
          'stopped: nothing more was asked for; waiting, revoking: its tokens are being taken back; not_revoked: the message says what a person has to do',
      }),
    message: z.string().nullable(),
    updated_at: time,
  })
  .meta({ id: 'StoppedCredential' })

const params = z.strictObject({ stop: word(100).meta({ description: 'Id of the emergency stop' }) })
const manage = { administration: 'manage' } as const

export const emergencyStopEndpoints = [
  endpoint({
    id: 'beginEmergencyStop',
    method: 'POST',
    path: '/v1/emergency-stops',
    tag: 'Credentials',
    summary: 'Switches off all credentials that fit, and takes their tokens back at the providers if asked.',
    description:
      'When it answers, no token of them is handed out any more. The tokens are taken back afterwards, as long as that takes and over restarts of the service; look at the stop for how far it is and what is left for a person. GET /v1/credentials/counts says beforehand how many fit.',
    permission: manage,
    fresh: true,
    audit: 'emergency_stop.begun',
    body: z
      .strictObject({
        match,
        everything: z.literal(true).optional().meta({ description: 'Must be said where `match` names nothing' }),
        revoke: z.boolean(),
        reason: text(1000).optional(),
      })
      .meta({ id: 'NewEmergencyStop' }),
    status: 201,
    kind: 'json',
    reply: emergencyStop,
  }),
  endpoint({
    id: 'listEmergencyStops',
    method: 'GET',
    path: '/v1/emergency-stops',
    tag: 'Credentials',
    summary: 'Lists the latest emergency stops, the newest first.',
    permission: manage,
    audit: null,
    status: 200,
    kind: 'json',
    reply: page(emergencyStop).meta({ id: 'EmergencyStopPage' }),
  }),
  endpoint({
    id: 'getEmergencyStop',
    method: 'GET',
    path: '/v1/emergency-stops/{stop}',
    tag: 'Credentials',
    summary: 'Shows how far an emergency stop is.',
    permission: manage,
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: emergencyStop,
  }),
  endpoint({
    id: 'listStoppedCredentials',
    method: 'GET',
    path: '/v1/emergency-stops/{stop}/credentials',
    tag: 'Credentials',
    summary: 'Lists what has become of the credentials of an emergency stop.',
    permission: manage,
    audit: null,
    params,
    query: z.strictObject({ state: list(z.enum(stoppedStates)).optional(), ...pageQuery }),
    status: 200,
    kind: 'json',
    reply: page(stopped).meta({ id: 'StoppedCredentialPage' }),
  }),
  endpoint({
    id: 'undoEmergencyStop',
    method: 'POST',
    path: '/v1/emergency-stops/{stop}/undo',
    tag: 'Credentials',
    summary: 'Switches the credentials of an emergency stop on again, but those that were off before.',
    description: 'Tokens that were taken back stay so: such a credential needs a person who connects it again.',
    permission: manage,
    fresh: true,
    audit: 'emergency_stop.undone',
    params,
    body: z.strictObject({}),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: z.object({ resumed: count }).meta({ id: 'UndoneEmergencyStop' }),
  }),
] as const
